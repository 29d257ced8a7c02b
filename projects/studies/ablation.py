"""A study of many arms: which runs there are, how each is trained, and where its scores lie.

A study is a config file with ``title``, ``data``, ``student`` and ``teacher`` (configs), ``arms``, ``controls`` (arms
without a teacher, first the one with the same steps on the same data), ``seeds`` and ``settings``, for occupancy also
``rays`` (a config whose renderer measures all arms), and if it likes ``epochs`` (of all arms and teachers) and
``teacher_seed``: the teacher then comes from another data set, a MiniDrive of that seed with all labels, and is the
same in all settings. ``configs/studies`` has examples. The student says which task it is. Every arm is trained in every
setting with every seed and measured by the same rules. What is done is not done again.
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
_OPTIONAL_KEYS = {'epochs', 'teacher_seed'}
_ARM_KEYS = {'config', 'epochs', 'labelled_share', 'seeds'}
_SETTING_KEYS = {'scene_part', 'label_part', 'labelled_share', 'labels'}
_EXACT = 'exact'
_TEACHER = 'teacher'
_ELSEWHERE = 'elsewhere'
"""In place of a setting: the other data set, on which a study may train its teacher."""


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
        self.epochs, self.teacher_seed = config.get('epochs'), config.get('teacher_seed')
        self.arms = {name: _as_arm(arm) for name, arm in config.arms.items()}
        self.teacher = {**_as_arm(config.teacher), 'labelled_share': 1.0}
        self.seeds, self.settings = list(config.seeds), {name: dict(value) for name, value in config.settings.items()}
        self.controls, self.preset, self.data_seed = list(config.controls), config.data.preset, config.data.seed
        self.data = data_root or Path(config.data.root)
        self.teacher_data = Path(f'{self.data}-seed{self.teacher_seed}')
        for what, keys, entries in (('arm', _ARM_KEYS, self.arms), ('setting', _SETTING_KEYS, self.settings)):
            for name, entry in {**entries, **({_TEACHER: self.teacher} if what == 'arm' else {})}.items():
                if unknown := sorted(set(entry) - keys):
                    raise ValueError(f'{path}: {what} {name!r} has {unknown}; known are {sorted(keys)}')
        if _ELSEWHERE in self.settings or self.teacher_seed == self.data_seed:
            raise ValueError(f"{path}: no setting is called '{_ELSEWHERE}', and teacher_seed is another than data.seed")
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
        elsewhere = {} if self.teacher_seed is None else {'teacher_seed': self.teacher_seed}
        return {'study': self.path.stem, 'data_seed': self.data_seed, 'amp': self.amp, **elsewhere}

    def steps(self) -> list[Step]:
        """All steps in order: data, info files, and for each setting its teacher, then each run and its scores."""
        kinds = sorted({self._labels(setting) for setting in self.settings} - {_EXACT})
        steps = self._make_data(self.data, self.data_seed, *(part for kind in kinds for part in ('--labels', kind)))
        if self.teacher_seed is not None:
            steps += self._make_data(self.teacher_data, self.teacher_seed, suffix=f'-seed{self.teacher_seed}')
        taught: set[Run] = set()
        for run in self.runs():
            teacher = self.teacher_run(run.setting)
            if teacher not in taught:
                taught.add(teacher)
                steps.append(self._train(teacher))
            measure = ['tools/analysis_tools/study.py', self.path, '--work-dir', self.work_dir, '--measure', run.name]
            measure += ['--data-root', self.data]
            scores = _step(f'{run.name} scores', f'measure {run.name}', *measure, after=(run.name,))
            steps += [self._train(run), scores]
        return steps

    def _make_data(self, root: Path, seed: int, *options: str, suffix: str = '') -> list[Step]:
        """Steps that generate a MiniDrive and write its info files."""
        create = ['tools/create_minidrive.py', root, '--preset', self.preset, '--seed', seed]
        create += [*self.form.create, *options]
        convert = ['tools/create_data.py', *self.form.convert, '--root-path', root]
        data, infos = f'data{suffix}', f'infos{suffix}'
        return [
            _step(data, f'generate MiniDrive of seed {seed}', *create, repeatable=True, after=()),
            _step(infos, f'write the info files of seed {seed}', *convert, repeatable=True, after=(data,)),
        ]

    def teacher_run(self, setting: str) -> Run:
        """The teacher that all arms of a setting share, or all arms of the study when it comes from elsewhere."""
        return Run(setting if self.teacher_seed is None else _ELSEWHERE, _TEACHER, self.seeds[0])

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

    def _setting(self, run: Run) -> dict[str, Any]:
        """Keys of the setting of a run; elsewhere everything is labelled and used."""
        return self.settings.get(run.setting, {})

    def _arm(self, run: Run) -> dict[str, Any]:
        return self.teacher if run.arm == _TEACHER else self.arms[run.arm]

    def _epochs(self, run: Run) -> int:
        """Number of epochs, which gives all arms of a study the same steps, also on fewer scenes."""
        arm = self._arm(run)
        epochs = arm.get('epochs') or self.epochs or read_config(arm['config']).train_cfg.max_epochs
        return round(epochs / self._setting(run).get('scene_part', 1.0))

    def _data_options(self, run: Run) -> list[str]:
        """Options of the training data: which scenes, which labels, and how often labelled frames are drawn.

        A teacher learns from labelled frames alone. A share of an arm goes before that of its setting.
        """
        setting, data = self._setting(run), 'train_dataloader.dataset'
        options = [f'{data}.{name}={float(setting.get(name, 1.0))}' for name in ('scene_part', 'label_part')]
        if (kind := setting.get('labels', _EXACT)) != _EXACT:
            options.append(f'{data}.gts={self.form.labels[kind]}')
        share = self._arm(run).get('labelled_share', setting.get('labelled_share'))
        if share is not None and setting.get('label_part', 1.0) < 1:
            sampler = 'train_dataloader.sampler'
            options += [f'{sampler}.type=LabelledShareSampler', f'{sampler}.labelled_share={float(share)}']
        return options

    def _train(self, run: Run) -> Step:
        """Training with the seed, the data and the schedule of a run; validated on calibration scenes."""
        config, elsewhere = self._arm(run)['config'], run.setting == _ELSEWHERE
        root, infos = (self.teacher_data, f'infos-seed{self.teacher_seed}') if elsewhere else (self.data, 'infos')
        options = [f'{part}_dataloader.dataset.data_root={root}' for part in ('train', 'val', 'test')]
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
        after: tuple[str, ...] = (infos,)
        if read_config(config).model.type == 'Distiller':
            after = (infos, self.teacher_run(run.setting).name)
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
