#!/usr/bin/env python
"""Train all arms of a study with all seeds in all settings, measure them on held-out scenes, and write a page.

Every step that finished is remembered in the work directory: run the same command again after an interruption and it
goes on where it stopped. The page is written again after every measured run, so it can be read while the study runs.
"""

import argparse
import os
import time
from pathlib import Path

from projects.cli import ToolParser, run_tool
from projects.studies.ablation import Ablation, Run
from projects.studies.ablation_steps import steps_of
from projects.studies.demo import ROOT, step_environment
from projects.studies.steps import run_steps


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('study', type=Path, help='config of the study, for instance configs/studies/radocc_labels.py')
    parser.add_argument('--work-dir', type=Path, help='where everything is written (default: work_dirs/study_<name>)')
    parser.add_argument('--data-root', type=Path, help='folder of the data (default: that of the study)')
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        help='how many trainings share the cores (default 1; 2 on two cores take 0.6 times as long for the same work)',
    )
    parser.add_argument('--no-amp', dest='amp', action='store_false', help='train in float32, as depth always does')
    parser.add_argument('--page', action='store_true', help='write the page of what was measured; train nothing')
    parser.add_argument('--list', action='store_true', help='list the steps, and run none')
    parser.add_argument('--measure', metavar='RUN', help='measure one trained run, <setting>/<arm>/seed<n>')
    return parser.parse_args()


def work_dir_of(study: Path) -> Path:
    """Where ``make study`` puts the results of a config."""
    return Path('work_dirs') / f'study_{study.stem}'


def measure(study: Ablation, run: Run) -> None:
    """Fit the decision rules of a run, count the held-out scenes, and keep both."""
    from projects.engine import load_trained_model
    from projects.studies.ablation_page import write_study
    from projects.studies.arm_sums import write_sums
    from projects.studies.arm_task import TASKS
    from projects.studies.measuring import Predictor
    from projects.studies.steps import write_json

    predictor = Predictor(load_trained_model(study.student_of(run), study.checkpoint(run)))
    meter = TASKS[study.task].open_meter(study, run)
    start = time.perf_counter()
    rules = meter.fit(predictor)
    sums = meter.count(predictor, rules)
    path = study.scores(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path.with_suffix('.json'), {**rules.as_json(), 'seconds': round(time.perf_counter() - start, 1)})
    write_sums(path, sums)
    write_study(study)


def main() -> None:
    """Run what is left of the study, or one part of it."""
    args = parse_args()
    if Path.cwd() != ROOT:  # everything runs there, but paths are those of the caller
        args.study = args.study.absolute() if args.study.exists() else args.study
        args.work_dir, args.data_root = (path and path.absolute() for path in (args.work_dir, args.data_root))
    os.chdir(ROOT)
    study = Ablation(args.study, args.work_dir or work_dir_of(args.study), args.data_root, args.amp)
    if args.list:
        print('\n'.join(step.title for step in steps_of(study)))
    elif args.measure:
        measure(study, study.find(args.measure))
    else:
        from projects.studies.ablation_page import write_study

        if not args.page:
            run_steps(study.work_dir, study.identity(), steps_of(study), step_environment(), args.jobs)
        print(write_study(study))


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
