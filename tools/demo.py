"""Train a LiDAR-camera teacher and a camera student on MiniDrive, then go on with the student twice: alone, and under
the teacher (RadOcc). Both second stages have the same weights, steps, samples and augmentations. Write a report.

Every step that finished is remembered in the work directory: run the same command again after an interruption and it
goes on where it stopped. Training resumes from its last checkpoint.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from projects.cli import ToolParser, run_tool
from projects.fileio import atomic_write, read_json
from projects.reporting import run_command

ROOT = Path(__file__).resolve().parent.parent
TEACHER = 'configs/bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive.py'
STUDENT = 'configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py'
STAGE2 = 'configs/flashocc/flashocc_mini-stage2_1xb1-4e_minidrive.py'
RADOCC = 'configs/radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py'

# Waiting threads sleep: spinning ones are ten times slower as soon as anything else runs on the cores.
ENVIRONMENT = {'PYTHONPATH': str(ROOT), 'PYTHONWARNINGS': 'ignore', 'OMP_WAIT_POLICY': 'passive'}

MINI_OPTIONS = ['default_hooks.logger.interval=25', 'log_processor.window_size=25']
# The tiny preset walks the same path in a few minutes; its numbers mean nothing.
TINY_EPOCHS = 4
TINY_OPTIONS = [f'train_cfg.max_epochs={TINY_EPOCHS}', f'train_cfg.val_interval={TINY_EPOCHS}']
TINY_OPTIONS += ['default_hooks.logger.interval=2', 'log_processor.window_size=4']


@dataclass(frozen=True)
class Step:
    """One command of the demo.

    Args:
        name (str): Name of the step, unique in the demo.
        title (str): What it does, for the terminal.
        command (list[str]): Program and arguments.
        repeatable (bool): Whether to run it even when it finished before, since it finds out by itself that nothing is
            left to do. Defaults to False.
        show (str | None): Which lines of its output to show, see ``run_command``. Defaults to None (all).
    """

    name: str
    title: str
    command: list[str]
    repeatable: bool = False
    show: str | None = None


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--preset', choices=['mini', 'tiny'], default='mini', help='mini trains for real, tiny only walks the path'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the data, the weights and the training (default 0)'
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'), help='where everything is written')
    parser.add_argument('--data-root', type=Path, help='MiniDrive folder (default: data/minidrive[-tiny][-seedN])')
    parser.add_argument('--no-amp', action='store_true', help='train in float32 instead of bfloat16 autocast')
    return parser.parse_args(argv)


def default_data_root(args):
    """Folder of the data set: one for each preset and seed."""
    suffix = ('' if args.preset == 'mini' else f'-{args.preset}') + ('' if args.seed == 0 else f'-seed{args.seed}')
    return Path(f'data/minidrive{suffix}')


def plan(args):
    """List the steps of the demo in order."""
    work, python = args.work_dir, sys.executable
    data = args.data_root or default_data_root(args)
    common = [f'{part}_dataloader.dataset.data_root={data}' for part in ('train', 'val', 'test')]
    common += [f'randomness.seed={args.seed}', *(TINY_OPTIONS if args.preset == 'tiny' else MINI_OPTIONS)]

    def train(name, title, config, options):
        command = [python, 'tools/train.py', config, '--work-dir', str(work / name), '--resume']
        command += [] if args.no_amp else ['--amp']
        return Step(name, title, [*command, '--cfg-options', *common, *options], show=r'Epoch\((train|val)\)')

    data_command = [python, 'tools/create_minidrive.py', str(data), '--preset', args.preset, '--seed', str(args.seed)]
    info_command = [python, 'tools/create_data.py', 'occ3d-nus', '--root-path', str(data)]
    report_command = [python, 'tools/analysis_tools/radocc_report.py', str(work), '--seed', str(args.seed)]
    report_command += ['--teacher-config', TEACHER, '--student-config', STAGE2, '--radocc-config', RADOCC]
    report_command += ['--data-root', str(data)]

    def trained(name, config):
        epochs = Config.fromfile(config).train_cfg.max_epochs if args.preset == 'mini' else TINY_EPOCHS
        return work / name / f'epoch_{epochs}.pth'

    student = trained('student', STUDENT)
    distilled = [f'model.student_ckpt={student}', f'model.teacher_ckpt={trained("teacher", TEACHER)}']
    return [
        Step('data', 'generate MiniDrive', [*data_command, '--workers', str(os.cpu_count() or 1)], True),
        Step('infos', 'write the info files', [*info_command, '--version', 'v1.0-minidrive'], True),
        train('teacher', 'train the LiDAR-camera teacher', TEACHER, []),
        train('student', 'train the camera student', STUDENT, []),
        train('baseline', 'go on with the student alone', STAGE2, [f'load_from={student}']),
        train('radocc', 'go on with the student under the teacher (RadOcc)', RADOCC, distilled),
        Step('report', 'evaluate on held-out scenes and write the report', report_command, True),
    ]


def open_work_dir(args):
    """Make the work directory or check that it belongs to the same demo.

    Returns:
        dict: Costs of the steps that finished, by name.
    """
    args.work_dir.mkdir(parents=True, exist_ok=True)
    identity = {'preset': args.preset, 'seed': args.seed, 'amp': not args.no_amp}
    mark, costs = args.work_dir / 'demo.json', args.work_dir / 'costs.json'
    if mark.is_file():
        found = read_json(mark)
        if found != identity:
            raise SystemExit(
                f'error: {args.work_dir} holds a demo of {found}, asked for {identity}; use another --work-dir'
            )
    else:
        write_json(mark, identity)
    return read_json(costs) if costs.is_file() else {}


def write_json(path, value):
    """Write a JSON file that is never seen half-written."""
    with atomic_write(path, 'w') as file:
        json.dump(value, file, indent=1)


def run_steps(args, steps):
    """Run the steps that have not finished, and remember what each of them cost.

    Args:
        args (argparse.Namespace): ``work_dir`` and what :func:`open_work_dir` compares.
        steps (list[Step]): Steps in order.
    """
    costs = open_work_dir(args)
    start = time.monotonic()
    for number, step in enumerate(steps, 1):
        if step.name in costs and not step.repeatable:
            print(
                f'[{number}/{len(steps)}] {step.title}: done before in {costs[step.name]["seconds"]:.0f} s', flush=True
            )
            continue
        minutes = (time.monotonic() - start) / 60
        print(f'\n[{number}/{len(steps)}] {step.title} (at {minutes:.1f} min)', flush=True)
        try:
            cost = run_command(step.command, ENVIRONMENT, step.show)
        except RuntimeError as error:
            raise SystemExit(
                f'error: step {step.name!r} failed: {error}\nRun the same command again to go on from here.'
            ) from error
        except KeyboardInterrupt:
            raise SystemExit(f'\ninterrupted in step {step.name!r}; run the same command again to go on') from None
        if step.name not in costs:
            costs[step.name] = {name: round(value, 1) for name, value in cost.items()}
            write_json(args.work_dir / 'costs.json', costs)


def main():
    """Run what is left of the demo."""
    args = parse_args()
    os.chdir(ROOT)
    run_steps(args, plan(args))


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
