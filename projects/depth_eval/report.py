"""Reports on the terminal."""

from collections.abc import Sequence
from typing import Any

from .protocol import Protocol

_SHOWN_ERRORS = 20
_UNITS = {
    'rmse': 'm',
    'silog': 'log(m) * 100',
    'irmse': '1/km',
    'sq_rel': 'm',
    'sq_error_rel': '%',
    'abs_error_rel': '%',
}


def format_report(report: dict[str, Any], protocol: Protocol) -> str:
    """Table of a report: protocol, a row for each metric with its unit, number of frames."""
    lines = [
        f'{key:<16}{value:>12.6f}  {_UNITS.get(key, "")}'.rstrip()
        for key, value in report.items()
        if isinstance(value, float)
    ]
    counts = (
        f'{report["frames"]} frames scored, {report.get("skipped", 0)} skipped without ground truth, '
        f'{len(report.get("errors", []))} errors'
    )
    return '\n'.join([str(protocol), *lines, counts])


def format_errors(errors: Sequence[str]) -> str:
    """One line for each error, at most twenty; the JSON file has all."""
    lines = [f'error: {error}' for error in errors[:_SHOWN_ERRORS]]
    if len(errors) > _SHOWN_ERRORS:
        lines.append(f'... and {len(errors) - _SHOWN_ERRORS} more errors')
    return '\n'.join(lines)
