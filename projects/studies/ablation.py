"""A study of many arms: which runs there are, and where each is trained and its scores lie.

A study is a config file with ``title``, ``data``, ``student`` (a config), ``arms``, ``controls`` (arms without a
teacher, first the one with the same steps on the same data), ``seeds`` and ``settings``, for occupancy also ``rays`` (a
config whose renderer measures all arms), where an arm is taught ``teacher`` (a config), and if it likes ``epochs`` (of
all arms and teachers) and ``teacher_seed``: the teacher then comes from another data set, a MiniDrive of that seed with
all labels, and is the same in all settings. ``pairs`` names arms that are compared with one another beside the
controls, and ``words`` what the page calls arms and settings and what each is. ``configs/studies`` has examples. The
student says which task it is. Every arm is trained in every setting with every seed and measured by the same rules.
What is done is not done again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .ablation_values import BY_SEED, as_arm, as_pairs, as_words, check_config_file, check_parts, check_seeds
from .arm_data import data_of, read_config
from .demo import ROOT

_KEYS = {'title', 'data', 'student', 'arms', 'controls', 'seeds', 'settings'}
_OPTIONAL_KEYS = {'epochs', 'teacher', 'teacher_seed', 'pairs', 'words'}
_ARM_KEYS = {
    'config',
    'epochs',
    'labelled_share',
    'seeds',
    'student',
    'segments',
    'weights',
    'swap_history',
    'elsewhere',
}
_SETTING_KEYS = {'scene_part', 'label_part', 'label_draw', 'labelled_share', 'labels', 'schedule'}
EXACT = 'exact'
_TEACHER = 'teacher'
ELSEWHERE = 'elsewhere'
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
        for name in ('student', 'rays'):
            if name in found:
                check_config_file(config[name], ROOT, f'{name} of {path}')
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
        self.arms = {name: as_arm(arm, f'{path}: arm {name!r}') for name, arm in config.arms.items()}
        teacher = {**as_arm(config.teacher, f'{path}: teacher'), 'labelled_share': 1.0} if 'teacher' in config else {}
        self.teacher: dict[str, Any] = teacher
        check_seeds(config.seeds, f'{path}: seeds')
        self.seeds, self.settings = list(config.seeds), {name: dict(value) for name, value in config.settings.items()}
        self.controls, self.preset, self.data_seed = list(config.controls), config.data.preset, config.data.seed
        self.data = data_root or Path(config.data.root)
        self.teacher_data = Path(f'{self.data}-seed{self.teacher_seed}')
        for what, keys, entries in (('arm', _ARM_KEYS, self.arms), ('setting', _SETTING_KEYS, self.settings)):
            for name, entry in {**entries, **({_TEACHER: self.teacher} if what == 'arm' else {})}.items():
                if unknown := sorted(set(entry) - keys):
                    raise ValueError(f'{path}: {what} {name!r} has {unknown}; known are {sorted(keys)}')
                check_parts(entry, f'{what} {name!r} of {path}')
        if ELSEWHERE in self.settings or self.teacher_seed == self.data_seed:
            raise ValueError(f"{path}: no setting is called '{ELSEWHERE}', and teacher_seed is another than data.seed")
        self._check_settings()
        self._check_arms()
        if not self.controls or not set(self.controls) <= set(self.arms) or _TEACHER in self.arms:
            raise ValueError(f"{path}: controls {self.controls} must be arms, and no arm is called '{_TEACHER}'")
        self.pairs = as_pairs(config.get('pairs', []), self.arms, f'{path}: pairs')
        self.words = as_words(config.get('words', {}), f'{path}: words')

    def _check_settings(self) -> None:
        for name, setting in self.settings.items():
            if self.labels_of(name) not in (kinds := (EXACT, *self.form.labels)):
                raise ValueError(f'{self.path}: labels of setting {name!r} must be one of {sorted(kinds)}')
            if setting.get('label_draw') == BY_SEED and self.teacher and self.teacher_seed is None:
                raise ValueError(
                    f'{self.path}: setting {name!r} has other labels for each seed, but one teacher that learns from '
                    'them; set teacher_seed, so that it comes from elsewhere, or a number as label_draw'
                )

    def _check_arms(self) -> None:
        for name, arm in {**self.arms, **({_TEACHER: self.teacher} if self.teacher else {})}.items():
            for key in arm.keys() & {'config', 'student'}:
                check_config_file(arm[key], ROOT, f'{key} of arm {name!r} of {self.path}')
            if 'seeds' in arm:
                check_seeds(arm['seeds'], f'{self.path}: seeds of arm {name!r}')
        for name, arm in self.arms.items():
            if ('weights' in arm) == ('config' in arm) or arm.get('weights', name) not in self.arms:
                raise ValueError(f"{self.path}: arm {name!r} needs either its config or, as 'weights', another arm")
            if not self.teacher and 'config' in arm and self.is_taught(Run('', name, 0)):
                raise ValueError(
                    f'{self.path}: arm {name!r} has a teacher, so the study needs the key teacher, a config'
                )
            if self.teacher_seed is None and arm.get('elsewhere'):
                raise ValueError(f'{self.path}: arm {name!r} is trained elsewhere, so the study needs teacher_seed')
            if self.task != 'occupancy' and (found := sorted(arm.keys() & {'segments', 'swap_history'})):
                raise ValueError(f'{self.path}: arm {name!r} has {found}, which is for students of occupancy')

    @property
    def control(self) -> str:
        """The control that takes the same steps on the same data as all arms."""
        return self.controls[0]

    def name_of(self, what: str) -> str:
        """What the page calls an arm, a setting, the teacher, or a pair of arms ('a over b')."""
        return ' over '.join(self.words.get(part, (part, ''))[0] for part in what.split(' over '))

    def about(self, what: str) -> str:
        """What an arm or a setting is, in a sentence; '' where the study has no words for it."""
        return self.words.get(what, ('', ''))[1]

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

    def teachers_of(self, setting: str) -> list[Run]:
        """The teacher of a setting; none where no arm is taught."""
        trained = (self.trained_run(Run(setting, arm, 0)) for arm in self.arms_of(setting))
        return [self.teacher_run(setting)] if any(map(self.is_taught, trained)) else []

    def teacher_run(self, setting: str) -> Run:
        """The teacher that all arms of a setting share, or all arms of the study when it comes from elsewhere."""
        return Run(setting if self.teacher_seed is None else ELSEWHERE, _TEACHER, self.seeds[0])

    def trained_run(self, run: Run) -> Run:
        """The run whose weights a run measures: itself, unless its arm has no training of its own."""
        return Run(run.setting, self.arm_of(run).get('weights', run.arm), run.seed)

    def student_of(self, run: Run) -> str:
        """Config with which a run is measured: ``student`` of its arm, or its config, that of the study's student under
        a teacher.
        """
        arm = self.arm_of(self.trained_run(run))
        own = self.student if self.is_taught(self.trained_run(run)) else arm['config']
        return str(arm.get('student', own))

    def swaps_history(self, run: Run) -> bool:
        """Whether a run is measured with the former frames of another scene."""
        return bool(self.arm_of(run).get('swap_history'))

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
        """Where a run, or the one whose weights it measures, is trained."""
        return self.work_dir / self.trained_run(run).name

    def checkpoint(self, run: Run) -> Path:
        """Last checkpoint of a run, whether it is there or not."""
        return self.folder(run) / f'epoch_{self.epochs_of(self.trained_run(run))}.pth'

    def scores(self, run: Run) -> Path:
        """File with what each scene adds to the scores of a run."""
        return self.work_dir / 'scores' / f'{run.name.replace("/", "-")}.npz'

    def labels_of(self, setting: str) -> str:
        """Labels of the training data of a setting; calibration and held-out scenes always have the exact ones."""
        return self.settings[setting].get('labels', EXACT)

    def is_elsewhere(self, run: Run) -> bool:
        """Whether a run is trained on the data set of ``teacher_seed``."""
        return run.setting == ELSEWHERE or bool(self.arm_of(run).get('elsewhere'))

    def setting_of(self, run: Run) -> dict[str, Any]:
        """Keys of the setting of a run; elsewhere everything is labelled and used."""
        return {} if self.is_elsewhere(run) else self.settings[run.setting]

    def arm_of(self, run: Run) -> dict[str, Any]:
        """Keys of the arm of a run, or of the teacher."""
        return self.teacher if run.arm == _TEACHER else self.arms[run.arm]

    def is_taught(self, run: Run) -> bool:
        """Whether a trained run has a teacher."""
        return bool(read_config(self.arm_of(run)['config']).model.type == 'Distiller')

    def epochs_of(self, run: Run) -> int:
        """Number of epochs, which gives all arms of a setting the same steps, also on fewer scenes.

        ``schedule`` of the setting multiplies the epochs of all its arms, and of a teacher of its own.
        """
        arm = self.arm_of(run)
        epochs = arm.get('epochs') or self.epochs or read_config(arm['config']).train_cfg.max_epochs
        times = 1.0 if run.setting == ELSEWHERE else self.settings[run.setting].get('schedule', 1.0)
        return round(epochs * times / self.setting_of(run).get('scene_part', 1.0))
