#!/usr/bin/env python
"""Evaluate teacher, control, both students and the per-pixel prior on held-out scenes; write report.json and .html."""

from projects.cli import run_tool
from projects.studies.depth import DepthStudy
from projects.studies.study import write_report


def main():
    """Measure, draw, write, print."""
    print(write_report(DepthStudy(DepthStudy.parser(__doc__).parse_args())))


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
