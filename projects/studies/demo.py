"""What the demos of both tasks share: their command line, and the steps that make data, train and report."""

import argparse
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from mmengine.config import Config

from projects.cli import ToolParser

from .steps import Step, run_steps

ROOT = Path(__file__).resolve().parents[2]

MINI_OPTIONS = ['default_hooks.logger.interval=25', 'log_processor.window_size=25']


def step_environment() -> dict[str, str]:
    """Variables of the steps of a demo or a study: this checkout goes before what the caller has on the path."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])])
    # Waiting threads sleep: spinning ones are ten times slower as soon as anything else runs on the cores.
    return {'PYTHONPATH': path, 'PYTHONWARNINGS': 'ignore', 'OMP_WAIT_POLICY': 'passive'}


def epoch_options(epochs: int) -> list[str]:
    """Overrides of a config of the schedules here: so many epochs, and three validations."""
    return [
        f'train_cfg.max_epochs={epochs}',
        f'train_cfg.val_interval={max(1, epochs // 3)}',
        f'param_scheduler.1.end={epochs}',
        f'param_scheduler.1.T_max={epochs}',
    ]


def label_options(label_part: float, labelled_share: float | None) -> list[str]:
    """Overrides of a config: labels on a part of the training scenes, whose frames are drawn in a share of the steps
    (None: all frames equally often).
    """
    options = [f'train_dataloader.dataset.label_part={label_part}']
    if labelled_share is not None:
        sampler = 'train_dataloader.sampler'
        options += [f'{sampler}.type=LabelledShareSampler', f'{sampler}.labelled_share={labelled_share}']
    return options


def _name(step: str, other: int) -> str:
    return f'{step}-other' if other else step


class Demo(ABC):
    """A demo; a child names its data and lists its steps.

    The preset 'tiny' walks the path of 'mini' in a few minutes; its numbers mean nothing.

    Args:
        args (argparse.Namespace): From :meth:`parser`.
    """

    work_dir: ClassVar[str]
    data_root: ClassVar[str]  # without preset and seed
    tiny_epochs: ClassVar[int]  # length of each training of the preset 'tiny'
    tiny_options: ClassVar[Sequence[str]]  # its other overrides of configs
    jobs: ClassVar[int] = 1  # how many steps run at once

    def __init__(self, args: argparse.Namespace) -> None:
        suffix = ('' if args.preset == 'mini' else f'-{args.preset}') + ('' if args.seed == 0 else f'-seed{args.seed}')
        self.args, self.tiny = args, args.preset == 'tiny'
        self.data = args.data_root or Path(self.data_root + suffix)

    @classmethod
    def parser(cls, description: str | None = None) -> ToolParser:
        """The command line; a child adds its own flags, ``amp`` among them."""
        parser = ToolParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        add = parser.add_argument
        add('--preset', choices=['mini', 'tiny'], default='mini', help='mini trains for real, tiny only walks the path')
        add('--seed', type=int, default=0, help='seed of the data, the weights and the training (default 0)')
        add('--work-dir', type=Path, default=Path(cls.work_dir), help='where everything is written')
        add('--data-root', type=Path, help=f'MiniDrive folder (default: {cls.data_root}[-tiny][-seedN])')
        text = (
            'change config values of all trainings, e.g. train_dataloader.num_workers=4 train_dataloader.batch_size=4'
        )
        add('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help=text)
        return parser

    @abstractmethod
    def steps(self) -> list[Step]:
        """All steps in order."""

    def run(self) -> None:
        """Run what is left of the demo, in the root of the repository."""
        os.chdir(ROOT)
        identity = {name: getattr(self.args, name) for name in ('preset', 'seed', 'amp')}
        if self.args.cfg_options:
            identity['cfg_options'] = self.args.cfg_options
        run_steps(self.args.work_dir, identity, self.steps(), step_environment(), self.jobs)

    def step(self, name: str, title: str, *command: object, **more: Any) -> Step:
        """Step that runs a tool with this Python; see :class:`Step`."""
        return Step(name, title, [sys.executable, *map(str, command)], **more)

    def create(self, title: str, *options: str, other: int = 0) -> Step:
        """Step that generates the data, or after its info files those of another :meth:`data_of`."""
        command = ('tools/create_minidrive.py', self.data_of(other), *options, '--preset', self.args.preset)
        numbers = ('--seed', self.args.seed + other, '--workers', os.cpu_count() or 1)
        after = ('infos',) if other else None
        return self.step(_name('data', other), title, *command, *numbers, repeatable=True, after=after)

    def infos(self, layout: str, *options: str, other: int = 0) -> Step:
        """Step that writes the info files of the data."""
        command = ('tools/create_data.py', layout, '--root-path', self.data_of(other), *options)
        after = (_name('data', other),) if other else None
        return self.step(_name('infos', other), 'write the info files', *command, repeatable=True, after=after)

    def data_of(self, other: int) -> Path:
        """Folder of the data set whose seed is so much larger than that of the demo; 0 is its own."""
        return Path(f'{self.data}-other{other}') if other else self.data

    def train(
        self,
        name: str,
        title: str,
        config: str,
        *options: str,
        seed: int | None = None,
        epochs: int | None = None,
        after: tuple[str, ...] | None = None,
        other: int = 0,
    ) -> Step:
        """Step that trains a config, with overrides ``key=value``, in its own folder of the work directory.

        Those of the command line go last, so they win.
        ``epochs`` are those of the config unless given; ``after`` is that of :class:`Step`, and ``other`` that of
        :meth:`data_of`.
        """
        if self.tiny:
            options = (*self.tiny_options, *options, *epoch_options(self.tiny_epochs))
        else:
            options = (*MINI_OPTIONS, *options, *(epoch_options(epochs) if epochs else ()))
        roots = [f'{part}_dataloader.dataset.data_root={self.data_of(other)}' for part in ('train', 'val', 'test')]
        seeded = f'randomness.seed={self.args.seed if seed is None else seed}'
        folder = self.args.work_dir / name
        command = ['tools/train.py', config, '--work-dir', folder, '--resume']
        command += ['--amp'] if self.args.amp else []
        more = {'show': r'Epoch\((train|val)\)', 'after': after, 'makes': folder / 'last_checkpoint'}
        return self.step(
            name, title, *command, '--cfg-options', *roots, seeded, *options, *self.args.cfg_options, **more
        )

    def trained(self, name: str, config: str, epochs: int | None = None) -> Path:
        """Last checkpoint of a training step."""
        epochs = self.tiny_epochs if self.tiny else epochs or Config.fromfile(config).train_cfg.max_epochs
        return self.args.work_dir / name / f'epoch_{epochs}.pth'

    def report(self, tool: str, *options: object, **configs: str) -> Step:
        """Step that evaluates and writes the report, with ``--<name>-config`` for each of the configs."""
        command = self._report_command(tool, *options, **configs)
        return self.step('report', 'evaluate on held-out scenes and write the report', *command, repeatable=True)

    def with_pages(self, trainings: Sequence[Step], tool: str, *options: object, **configs: str) -> list[Step]:
        """Trainings with a first page before them and a new one after each, which needs that training alone.

        ``tool``, ``options`` and ``configs`` are those of :meth:`report`.
        """
        command = [*self._report_command(tool, *options, **configs), '--so-far']
        steps = [self.step('page', 'write a first page of the data', *command, after=('infos',))]
        for training in trainings:
            steps.append(training)
            if training.show:  # a training, and not what prepares one
                title = f'write a page with {training.name}'
                steps.append(self.step(f'page-{training.name}', title, *command, after=(training.name,)))
        return steps[:-1]  # the report follows the last one

    def _report_command(self, tool: str, *options: object, **configs: str) -> list[object]:
        flags = [part for name, config in configs.items() for part in (f'--{name}-config', config)]
        return [tool, self.args.work_dir, '--seed', self.args.seed, *flags, '--data-root', self.data, *options]
