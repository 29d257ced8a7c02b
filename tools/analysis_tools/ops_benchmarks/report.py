"""Tables of measured rows for the terminal and for Markdown."""

from typing import Any

from .meters import described


def _times(value: float | None) -> str:
    if value is None:
        return '-'
    return f'{value:.0f}x' if value >= 99.5 else f'{value:.1f}x' if value >= 9.95 else f'{value:.2f}x'


def _mb(value: float | None) -> str:
    return '-' if value is None else f'{value:.0f}'


def _percent(value: float | None) -> str:
    return '-' if value is None else f'{100 * value:.0f}%'


COLUMNS = {
    'variant': lambda row: row['variant'],
    'correct': lambda row: 'yes' if row['correct'] else 'NO',
    'median ms': lambda row: f'{row["median_ms"]:.2f}',
    'min ms': lambda row: f'{row["min_ms"]:.2f}',
    'n': lambda row: str(row['n']),
    'ratio': lambda row: _times(row['ratio']),
    'floor': lambda row: _times(row['floor']),
    'published': lambda row: _times(row['expected_ratio']),
    'peak MB': lambda row: _mb(row['peak_mb']),
    'memory': lambda row: _times(row['memory_ratio']),
    'byte floor': lambda row: _percent(row['byte_floor_share']),
}


def machine_line(machine: dict[str, Any]) -> str:
    """One line that says where the numbers come from."""
    return (
        f'{machine["date"]}, {machine["cpu"]}, {machine["cores"]} cores, {machine["threads"]} threads, load '
        f'{machine["load_average"]}; Python {machine["python"]}, torch {machine["torch"]}, numba {machine["numba"]}, '
        f'numpy {machine["numpy"]}; copy {machine["copy_gib_s_16mb"]} GiB/s (16 MB), '
        f'{machine["copy_gib_s_256mb"]} GiB/s (256 MB){described(machine)}'
    )


def text_table(rows: list[dict[str, Any]]) -> str:
    """Aligned table of the variants of one operation."""
    cells = [list(COLUMNS), *([show(row) for show in COLUMNS.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    pads = [str.ljust, *[str.rjust] * (len(widths) - 1)]
    lines = ['  '.join(pad(text, width) for pad, text, width in zip(pads, line, widths)) for line in cells]
    title = f'{rows[0]["op"]} (ratios against {rows[0]["reference"]})'
    notes = [f'  {row["variant"]}: {row["note"]}' for row in rows if row['note']]
    return '\n'.join([title, *lines, *notes])


def markdown(rows: list[dict[str, Any]], machine: dict[str, Any]) -> str:
    """All rows as one Markdown table per operation."""
    parts = [f'Measured: {machine_line(machine)}.']
    for op in dict.fromkeys(row['op'] for row in rows):
        own = [row for row in rows if row['op'] == op]
        parts.append(f'**{op}** (ratios against {own[0]["reference"]})')
        lines = [list(COLUMNS), ['---', *['---:'] * (len(COLUMNS) - 1)]]
        lines += [[show(row) for show in COLUMNS.values()] for row in own]
        parts.append('\n'.join(f'| {" | ".join(line)} |' for line in lines))
    return '\n\n'.join(parts) + '\n'
