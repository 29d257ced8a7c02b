"""Train a stereo teacher, its left-twice control, a monocular student and the same student under ADU-Depth; report.

Everything runs on MiniDrive in KITTI format. Every step that finished is remembered in the work directory: run the same
command again after an interruption and it goes on where it stopped. Training resumes from its last checkpoint.
"""

import argparse
import os
import sys
from pathlib import Path

from demo import ROOT, Step, run_steps
from mmengine.config import Config

from projects.cli import ToolParser, run_tool

TEACHER = 'configs/stereo_depth/stereo-depth_mini_1xb4-6e_minidrive.py'
CONTROL = 'configs/stereo_depth/stereo-depth-left-twice_mini_1xb4-6e_minidrive.py'
STUDENT = 'configs/mono_depth/mono-depth_mini_1xb4-12e_minidrive.py'
ADUDEPTH = 'configs/adudepth/adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py'

MINI_OPTIONS = ['default_hooks.logger.interval=25', 'log_processor.window_size=25']
# The tiny preset walks the same path in a few minutes; its numbers mean nothing.
TINY_EPOCHS = 2
CROP_STEP = 2
TINY_OPTIONS = [f'train_cfg.max_epochs={TINY_EPOCHS}', f'train_cfg.val_interval={TINY_EPOCHS}']
# Its images are smaller than the crops of the configs.
TINY_OPTIONS += [f'train_dataloader.dataset.pipeline.{CROP_STEP}.size=[96,320]', 'train_dataloader.batch_size=2']
TINY_OPTIONS += ['default_hooks.logger.interval=1', 'log_processor.window_size=2']


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--preset', choices=['mini', 'tiny'], default='mini', help='mini trains for real, tiny only walks the path'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the data, the weights and the training (default 0)'
    )
    parser.add_argument(
        '--seeds', type=int, default=1, help='train both students with this many seeds, beginning at --seed (default 1)'
    )
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/demo_depth'), help='where everything is written'
    )
    parser.add_argument(
        '--data-root', type=Path, help='MiniDrive folder (default: data/minidrive-kitti[-tiny][-seedN])'
    )
    parser.add_argument('--amp', action='store_true', help='bfloat16 autocast; slower than float32 on many processors')
    args = parser.parse_args(argv)
    if args.seeds < 1:
        parser.error('--seeds must be at least 1')
    args.no_amp = not args.amp
    return args


def default_data_root(args):
    """Folder of the data set: one for each preset and seed."""
    suffix = ('' if args.preset == 'mini' else f'-{args.preset}') + ('' if args.seed == 0 else f'-seed{args.seed}')
    return Path(f'data/minidrive-kitti{suffix}')


class Planner:
    """Commands of the demo.

    Args:
        args (argparse.Namespace): Command line.
    """

    def __init__(self, args):
        self.args = args
        self.data = args.data_root or default_data_root(args)

    def train(self, name, title, config, seed, options=()):
        """Step that trains a config in its own folder of the work directory."""
        preset_options = TINY_OPTIONS if self.args.preset == 'tiny' else MINI_OPTIONS
        roots = [f'{part}_dataloader.dataset.data_root={self.data}' for part in ('train', 'val', 'test')]
        command = [sys.executable, 'tools/train.py', config, '--work-dir', str(self.args.work_dir / name), '--resume']
        command += ['--amp'] if self.args.amp else []
        command += ['--cfg-options', *roots, f'randomness.seed={seed}', *preset_options, *options]
        return Step(name, title, command, show=r'Epoch\((train|val)\)')

    def students(self, seed):
        """Steps that train both students with one seed, from the same weights."""
        work, suffix = self.args.work_dir, '' if seed == self.args.seed else f'-seed{seed}'
        init = work / f'student_init{suffix}.pth'
        epochs = Config.fromfile(TEACHER).train_cfg.max_epochs if self.args.preset == 'mini' else TINY_EPOCHS
        teacher_ckpt = work / 'teacher' / f'epoch_{epochs}.pth'
        said = f' (seed {seed})' if suffix else ''
        command = [sys.executable, 'tools/model_converters/init_weights.py', STUDENT, str(init), '--seed', str(seed)]
        options = [f'model.student_ckpt={init}', f'model.teacher_ckpt={teacher_ckpt}']
        return [
            Step(f'init{suffix}', f'draw the weights that both students start from{said}', command),
            self.train(f'baseline{suffix}', f'train the student alone{said}', STUDENT, seed, [f'load_from={init}']),
            self.train(f'adudepth{suffix}', f'train the student under the teacher{said}', ADUDEPTH, seed, options),
        ]

    def report(self):
        """Step that evaluates and writes the report."""
        args = self.args
        command = [sys.executable, 'tools/analysis_tools/adudepth_report.py', str(args.work_dir)]
        command += ['--seed', str(args.seed), '--seeds', str(args.seeds), '--data-root', str(self.data)]
        command += ['--teacher-config', TEACHER, '--control-config', CONTROL]
        command += ['--student-config', STUDENT, '--adudepth-config', ADUDEPTH]
        return Step('report', 'evaluate on held-out scenes and write the report', command, True)

    def steps(self):
        """All steps in order."""
        args, python = self.args, sys.executable
        data = [python, 'tools/create_minidrive.py', str(self.data), '--format', 'kitti', '--preset', args.preset]
        data += ['--seed', str(args.seed), '--workers', str(os.cpu_count() or 1)]
        infos = [python, 'tools/create_data.py', 'kitti-depth', '--root-path', str(self.data)]
        seeds = range(args.seed, args.seed + args.seeds)
        return [
            Step('data', 'generate MiniDrive as stereo pairs', data, True),
            Step('infos', 'write the info files', infos, True),
            self.train('teacher', 'train the stereo teacher', TEACHER, args.seed),
            self.train('control', 'train the control, which sees the left image twice', CONTROL, args.seed),
            *(step for seed in seeds for step in self.students(seed)),
            self.report(),
        ]


def main():
    """Run what is left of the demo."""
    args = parse_args()
    os.chdir(ROOT)
    run_steps(args, Planner(args).steps())


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
