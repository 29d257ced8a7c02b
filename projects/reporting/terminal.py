"""What a report tool prints and writes at its end, and whom it ran on."""

import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from projects.fileio import atomic_write

from .page import Page, Table

TINY_WARNING = 'Preset tiny: a few steps on a handful of samples, only to walk the path. These numbers mean nothing.'


def processor_name() -> str:
    """Name of the processor, as the system tells it."""
    cpuinfo = Path('/proc/cpuinfo')
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def package_versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of Python and of installed packages."""
    return {'python': platform.python_version(), **{name: version(name) for name in packages}}


def preset_warning(work_dir: Path) -> str:
    """What must stand beside every number of a demo's work directory; '' when the numbers mean what they say."""
    mark = work_dir / 'demo.json'
    preset = json.loads(mark.read_text(encoding='utf-8')).get('preset') if mark.is_file() else None
    return TINY_WARNING if preset == 'tiny' else ''


def format_table(table: Table, warning: str = '') -> str:
    """Lay a table out in aligned columns, the first one to the left, below the warning if there is one."""
    rows = [table.header, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.header))]
    lines = [
        '  '.join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
        for row in rows
    ]
    return '\n'.join([*([f'!!! {warning}'] if warning else []), *lines])


def write_report(folder: Path, report: dict[str, Any], page: Page) -> None:
    """Write ``report.json`` and ``report.html``; a reader never sees a half-written one."""
    with atomic_write(folder / 'report.json', 'w') as file:
        json.dump(report, file, indent=1)
    with atomic_write(folder / 'report.html', 'w') as file:
        file.write(page.to_html())
