"""What the demos of both tasks share: their command line, and the steps that make data, train and report."""

import argparse
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from mmengine.config import Config

from projects.cli import ToolParser

from .steps import Step, run_steps

ROOT = Path(__file__).resolve().parents[2]

# Waiting threads sleep: spinning ones are ten times slower as soon as anything else runs on the cores.
ENVIRONMENT = {'PYTHONPATH': str(ROOT), 'PYTHONWARNINGS': 'ignore', 'OMP_WAIT_POLICY': 'passive'}

MINI_OPTIONS = ['default_hooks.logger.interval=25', 'log_processor.window_size=25']


class Demo(ABC):
    """A demo; a child names its data and lists its steps.

    The preset 'tiny' walks the path of 'mini' in a few minutes; its numbers mean nothing.

    Args:
        args (argparse.Namespace): From :meth:`parser`.
    """

    name: ClassVar[str]
    """Folder below ``work_dirs``."""
    data_name: ClassVar[str]
    """Folder below ``data``, without preset and seed."""
    tiny_epochs: ClassVar[int]
    """Length of each training of the preset 'tiny'."""
    tiny_options: ClassVar[Sequence[str]]
    """More overrides of configs for 'tiny'."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        suffix = ('' if args.preset == 'mini' else f'-{args.preset}') + ('' if args.seed == 0 else f'-seed{args.seed}')
        self.data = args.data_root or Path(f'data/{self.data_name}{suffix}')

    @classmethod
    def parser(cls, description: str | None = None) -> ToolParser:
        """The command line; a child adds its own flags, and ``amp`` among them."""
        parser = ToolParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument(
            '--preset', choices=['mini', 'tiny'], default='mini', help='mini trains for real, tiny only walks the path'
        )
        parser.add_argument(
            '--seed', type=int, default=0, help='seed of the data, the weights and the training (default 0)'
        )
        parser.add_argument(
            '--work-dir', type=Path, default=Path(f'work_dirs/{cls.name}'), help='where everything is written'
        )
        parser.add_argument(
            '--data-root', type=Path, help=f'MiniDrive folder (default: data/{cls.data_name}[-tiny][-seedN])'
        )
        return parser

    @abstractmethod
    def steps(self) -> list[Step]:
        """All steps in order."""

    def run(self) -> None:
        """Run what is left of the demo, in the root of the repository."""
        os.chdir(ROOT)
        identity = {name: getattr(self.args, name) for name in ('preset', 'seed', 'amp')}
        run_steps(self.args.work_dir, identity, self.steps(), ENVIRONMENT)

    def step(
        self, name: str, title: str, command: Sequence[str | Path], repeatable: bool = False, show: str | None = None
    ) -> Step:
        """Step that runs a tool with this Python; see :class:`Step`."""
        return Step(name, title, [sys.executable, *map(str, command)], repeatable, show)

    def data_steps(self, title: str, layout: Sequence[str], infos: Sequence[str]) -> list[Step]:
        """Steps that generate the data and write its info files.

        Args:
            title (str): What is generated, for the terminal.
            layout (Sequence[str]): Arguments of ``create_minidrive.py`` beside folder, preset, seed and workers.
            infos (Sequence[str]): Format and further arguments of ``create_data.py``.
        """
        create = ['tools/create_minidrive.py', self.data, *layout, '--preset', self.args.preset]
        create += ['--seed', self.args.seed, '--workers', os.cpu_count() or 1]
        command = ['tools/create_data.py', infos[0], '--root-path', self.data, *infos[1:]]
        return [
            self.step('data', title, create, repeatable=True),
            self.step('infos', 'write the info files', command, repeatable=True),
        ]

    def train(self, name: str, title: str, config: str, options: Sequence[str] = (), seed: int | None = None) -> Step:
        """Step that trains a config in its own folder of the work directory.

        Args:
            name (str): Name of the step and of the folder.
            title (str): What is trained, for the terminal.
            config (str): Path of the config.
            options (Sequence[str]): Overrides ``key=value``. Defaults to none.
            seed (int | None): Seed of the training. Defaults to None (that of the demo).
        """
        tiny = [f'train_cfg.max_epochs={self.tiny_epochs}', f'train_cfg.val_interval={self.tiny_epochs}']
        preset = [*tiny, *self.tiny_options] if self.args.preset == 'tiny' else MINI_OPTIONS
        roots = [f'{part}_dataloader.dataset.data_root={self.data}' for part in ('train', 'val', 'test')]
        command = ['tools/train.py', config, '--work-dir', self.args.work_dir / name, '--resume']
        command += ['--amp'] if self.args.amp else []
        seeded = f'randomness.seed={self.args.seed if seed is None else seed}'
        command += ['--cfg-options', *roots, seeded, *preset, *options]
        return self.step(name, title, command, show=r'Epoch\((train|val)\)')

    def trained(self, name: str, config: str) -> Path:
        """Last checkpoint of a training step."""
        tiny = self.args.preset == 'tiny'
        epochs = self.tiny_epochs if tiny else Config.fromfile(config).train_cfg.max_epochs
        return self.args.work_dir / name / f'epoch_{epochs}.pth'

    def report(self, tool: str, configs: dict[str, str], options: Sequence[str] = ()) -> Step:
        """Step that evaluates and writes the report.

        Args:
            tool (str): File of ``tools/analysis_tools``.
            configs (dict[str, str]): Config by the name of its flag.
            options (Sequence[str]): Further arguments. Defaults to none.
        """
        command = [f'tools/analysis_tools/{tool}', self.args.work_dir, '--seed', self.args.seed]
        for name, config in configs.items():
            command += [f'--{name}-config', config]
        command += ['--data-root', self.data, *options]
        return self.step('report', 'evaluate on held-out scenes and write the report', command, repeatable=True)
