#!/usr/bin/env python
"""Evaluate teacher, baseline and RadOcc student of one study on held-out scenes; write report.json and report.html."""

from projects.cli import run_tool
from projects.studies.occupancy import OccupancyStudy
from projects.studies.study import write_report


def main():
    """Measure, draw, write, print."""
    print(write_report(OccupancyStudy(OccupancyStudy.parser(__doc__).parse_args())))


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
