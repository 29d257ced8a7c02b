"""What stands beside a page: the same tables in the terminal, the machine and the versions."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from .page import Table


def processor_name() -> str:
    """Name of the processor, as the system tells it."""
    cpuinfo = Path('/proc/cpuinfo')
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def package_versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of Python and of installed packages."""
    return {'python': platform.python_version(), **{name: version(name) for name in packages}}


def format_table(table: Table, warning: str = '') -> str:
    """Lay a table out in aligned columns, the first one to the left, below the warning if there is one."""
    rows = [[cell.replace('\n', ' ') for cell in row] for row in [table.header, *table.rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.header))]
    lines = [
        '  '.join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
        for row in rows
    ]
    return '\n'.join([*([f'!!! {warning}'] if warning else []), *lines])
