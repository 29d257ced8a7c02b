"""A study of many arms: which runs there are, how each is trained, and where its scores lie.

A study is a config file with ``title``, ``data``, ``student`` and ``teacher`` (configs), ``arms``, ``controls`` (arms
without a teacher, first the one with the same steps on the same data), ``seeds`` and ``settings``, for occupancy also
``rays`` (a config whose renderer measures all arms), and if it likes ``epochs`` (of all arms and teachers);
``configs/studies`` has examples. The student says which task it is. Every arm is trained in every setting with every
seed and measured by the same rules. What is done is not done again.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .arm_data import data_of, read_config
from .demo import epoch_options
from .steps import Step

_KEYS = {'title', 'data', 'student', 'teacher', 'arms', 'controls', 'seeds', 'settings'}
_OPTIONAL_KEYS = {'epochs'}
_ARM_KEYS = {'config', 'epochs', 'labelled_share', 'seeds'}
_SETTING_KEYS = {'scene_part', 'label_part', 'labelled_share', 'labels'}
_EXACT = 'exact'
_TEACHER = 'teacher'


@dataclass(frozen=True)
class Run:
    """One training of a study.

    Args:
        setting (str): Name of the setting.
        arm (str): Name of the arm, or 'teacher'.
        seed (int): Seed of weights, order and augmentation.
    """

    setting: str
    arm: str
    seed: int

    @property
    def name(self) -> str:
        """Folder of the run below the work directory."""
        return f'{self.setting}/{self.arm}/seed{self.seed}'


class Ablation:
    """A study read from its config.

    Args:
        path (str | Path): The config.
        work_dir (Path): Where everything is written.
        data_root (Path, optional): Folder of the data. Defaults to that of the config.
        amp (bool): Whether to train in bfloat16 autocast, where the task allows it. Defaults to True.

    Raises:
        ValueError: If a key is missing or unknown, also one of an arm or a setting, a control is no arm, or the
            student's task cannot be measured or has no such labels.
    """

    def __init__(self, path: str | Path, work_dir: Path, data_root: Path | None = None, amp: bool = True) -> None:
        config = Config.fromfile(path)
        found = {key for key in config if not key.startswith('_')}
        form = data_of(config.student) if 'student' in found else None
        keys = _KEYS | (form.keys if form else set())
        if form is None or found - _OPTIONAL_KEYS != keys:
            raise ValueError(
                f'{path}: a study has the keys {sorted(keys)}; missing {sorted(keys - found)}, unknown '
                f'{sorted(found - keys - _OPTIONAL_KEYS)}'
            )
        self.path, self.work_dir, self.form, self.amp = Path(path), work_dir, form, amp and form.amp
        self.title, self.student, self.rays = config.title, config.student, config.get('rays')
        self.epochs = config.get('epochs')
        self.arms = {name: _as_arm(arm) for name, arm in config.arms.items()}
        self.teacher = {**_as_arm(config.teacher), 'labelled_share': 1.0}
        self.seeds, self.settings = list(config.seeds), {name: dict(value) for name, value in config.settings.items()}
        self.controls, self.preset, self.data_seed = list(config.controls), config.data.preset, config.data.seed
        self.data = data_root or Path(config.data.root)
        for what, keys, entries in (('arm', _ARM_KEYS, self.arms), ('setting', _SETTING_KEYS, self.settings)):
            for name, entry in {**entries, **({_TEACHER: self.teacher} if what == 'arm' else {})}.items():
                if unknown := sorted(set(entry) - keys):
                    raise ValueError(f'{path}: {what} {name!r} has {unknown}; known are {sorted(keys)}')
        for name in self.settings:
            if self._labels(name) not in (kinds := (_EXACT, *form.labels)):
                raise ValueError(f'{path}: labels of setting {name!r} must be one of {sorted(kinds)}')
        if not self.controls or not set(self.controls) <= set(self.arms) or _TEACHER in self.arms:
            raise ValueError(f"{path}: controls {self.controls} must be arms, and no arm is called '{_TEACHER}'")

    @property
    def control(self) -> str:
        """The control that takes the same steps on the same data as all arms."""
        return self.controls[0]

    @property
    def task(self) -> str:
        """Task of all arms, that of the student: 'occupancy' or 'depth'."""
        return self.form.task

    def infos(self, split: str) -> str:
        """Name of the info file of a split: train, calib or val."""
        return self.form.infos.format(split)

    def runs(self) -> Iterator[Run]:
        """All runs of students: setting by setting, all arms of a seed before the next seed."""
        for setting in self.settings:
            seeds = {arm: self.seeds_of(arm) for arm in self.arms_of(setting)}
            for seed in dict.fromkeys(seed for chosen in [self.seeds, *seeds.values()] for seed in chosen):
                for arm, chosen in seeds.items():
                    if seed in chosen:
                        yield Run(setting, arm, seed)

    def seeds_of(self, arm: str) -> list[int]:
        """Seeds of an arm: those of the study, unless the arm has seeds of its own."""
        return list(self.arms[arm].get('seeds', self.seeds))

    def arms_of(self, setting: str) -> list[str]:
        """Arms of a setting; where all scenes are labelled, one that draws labelled ones more often is no other arm."""
        all_labelled = self.settings[setting].get('label_part', 1.0) == 1.0
        return [name for name, arm in self.arms.items() if not (all_labelled and 'labelled_share' in arm)]

    def identity(self) -> dict[str, Any]:
        """What the results depend on besides code and data."""
        return {'study': self.path.stem, 'data_seed': self.data_seed, 'amp': self.amp}

    def steps(self) -> list[Step]:
        """All steps in order: data, info files, and for each setting its teacher, then each run and its scores."""
        create = ['tools/create_minidrive.py', self.data, '--preset', self.preset, '--seed', self.data_seed]
        create += self.form.create
        for kind in sorted({self._labels(setting) for setting in self.settings} - {_EXACT}):
            create += ['--labels', kind]
        infos = ['tools/create_data.py', *self.form.convert, '--root-path', self.data]
        steps = [
            _step('data', 'generate MiniDrive', *create, repeatable=True),
            _step('infos', 'write the info files', *infos, repeatable=True, after=('data',)),
        ]
        taught: set[str] = set()
        for run in self.runs():
            if run.setting not in taught:
                taught.add(run.setting)
                steps.append(self._train(self.teacher_run(run.setting)))
            measure = ['tools/analysis_tools/study.py', self.path, '--work-dir', self.work_dir, '--measure', run.name]
            measure += ['--data-root', self.data]
            scores = _step(f'{run.name} scores', f'measure {run.name}', *measure, after=(run.name,))
            steps += [self._train(run), scores]
        return steps

    def teacher_run(self, setting: str) -> Run:
        """The teacher that all arms of a setting share."""
        return Run(setting, _TEACHER, self.seeds[0])

    def find(self, name: str) -> Run:
        """The run of a folder name.

        Raises:
            ValueError: If there is none.
        """
        runs = {run.name: run for run in self.runs()}
        if name not in runs:
            raise ValueError(f'{self.path} has no run {name!r}; it has {", ".join(runs)}')
        return runs[name]

    def folder(self, run: Run) -> Path:
        """Where a run is trained."""
        return self.work_dir / run.name

    def checkpoint(self, run: Run) -> Path:
        """Last checkpoint of a run, whether it is there or not."""
        return self.folder(run) / f'epoch_{self._epochs(run)}.pth'

    def scores(self, run: Run) -> Path:
        """File with what each scene adds to the scores of a run."""
        return self.work_dir / 'scores' / f'{run.name.replace("/", "-")}.npz'

    def _labels(self, setting: str) -> str:
        """Labels of the training data of a setting; calibration and held-out scenes always have the exact ones."""
        return self.settings[setting].get('labels', _EXACT)

    def _arm(self, run: Run) -> dict[str, Any]:
        return self.teacher if run.arm == _TEACHER else self.arms[run.arm]

    def _epochs(self, run: Run) -> int:
        """Number of epochs, which gives all arms of a study the same steps, also on fewer scenes."""
        arm = self._arm(run)
        epochs = arm.get('epochs') or self.epochs or read_config(arm['config']).train_cfg.max_epochs
        return round(epochs / self.settings[run.setting].get('scene_part', 1.0))

    def _data_options(self, run: Run) -> list[str]:
        """Options of the training data: which scenes, which labels, and how often labelled frames are drawn.

        A teacher learns from labelled frames alone. A share of an arm goes before that of its setting.
        """
        setting, data = self.settings[run.setting], 'train_dataloader.dataset'
        options = [f'{data}.{name}={float(setting.get(name, 1.0))}' for name in ('scene_part', 'label_part')]
        if (kind := self._labels(run.setting)) != _EXACT:
            options.append(f'{data}.gts={self.form.labels[kind]}')
        share = self._arm(run).get('labelled_share', setting.get('labelled_share'))
        if share is not None and setting.get('label_part', 1.0) < 1:
            sampler = 'train_dataloader.sampler'
            options += [f'{sampler}.type=LabelledShareSampler', f'{sampler}.labelled_share={float(share)}']
        return options

    def _train(self, run: Run) -> Step:
        """Training with the seed, the data and the schedule of a run; validated on calibration scenes."""
        config = self._arm(run)['config']
        options = [f'{part}_dataloader.dataset.data_root={self.data}' for part in ('train', 'val', 'test')]
        options += [
            *self._data_options(run),
            f'val_dataloader.dataset.ann_file={self.infos("calib")}',
            f'randomness.seed={run.seed}',
            *epoch_options(self._epochs(run)),
            'default_hooks.checkpoint.max_keep_ckpts=1',
            'default_hooks.cpu_time.type=CPUTimeHook',
            'default_hooks.logger.interval=25',
            'log_processor.window_size=25',
        ]
        after: tuple[str, ...] = ('infos',)
        if read_config(config).model.type == 'Distiller':
            after = ('infos', self.teacher_run(run.setting).name)
            options.append(f'model.teacher_ckpt={self.checkpoint(self.teacher_run(run.setting))}')
        command = ['tools/train.py', config, '--work-dir', self.folder(run), '--resume']
        command += ['--amp'] if self.amp else []
        show = r'Epoch\((train|val)\)'
        return _step(run.name, f'train {run.name}', *command, '--cfg-options', *options, show=show, after=after)


def _as_arm(value: str | dict[str, Any]) -> dict[str, Any]:
    """Keys of an arm: ``config``, and where they differ from those of config, setting and study, ``epochs``,
    ``labelled_share`` and ``seeds``; a string is a config.
    """
    return {'config': value} if isinstance(value, str) else dict(value)


def _step(name: str, title: str, *command: object, **more: Any) -> Step:
    return Step(name, title, [sys.executable, *map(str, command)], **more)
