"""The steps of a study of many arms: how data, teachers and students are made, and in which order."""

import sys
from pathlib import Path
from typing import Any

from .ablation import EXACT, Ablation, Run
from .ablation_values import BY_SEED
from .demo import epoch_options, label_options
from .steps import Step


def steps_of(study: Ablation) -> list[Step]:
    """All steps in order: data, info files, and for each setting its teacher, then each run and its scores."""
    kinds = sorted({study.labels_of(setting) for setting in study.settings} - {EXACT})
    steps = _make_data(study, study.data, study.data_seed, *(part for kind in kinds for part in ('--labels', kind)))
    methods = sorted({arm['segments'] for arm in study.arms.values() if 'segments' in arm})
    steps += [_extract_segments(study, method) for method in methods]
    if study.teacher_seed is not None:
        steps += _make_data(study, study.teacher_data, study.teacher_seed, suffix=f'-seed{study.teacher_seed}')
    teachers: set[Run] = set()
    for run in study.runs():
        steps += [_train(study, teacher) for teacher in study.teachers_of(run.setting) if teacher not in teachers]
        teachers.update(study.teachers_of(run.setting))
        trained = study.trained_run(run)
        measure = ['tools/analysis_tools/study.py', study.path, '--work-dir', study.work_dir, '--measure', run.name]
        measure += ['--data-root', study.data]
        recipe = study.student_of(run) + (', history of another scene' if study.swaps_history(run) else '')
        made = {'after': (trained.name,), 'makes': study.scores(run), 'recipe': recipe}
        scores = _step(f'{run.name} scores', f'measure {run.name}', *measure, **made)
        steps += [_train(study, run), scores] if trained == run else [scores]
    return steps


def _extract_segments(study: Ablation, method: str) -> Step:
    """Step that cuts the training images into segments, in the folder that configs with such segments read."""
    command: list[object] = ['tools/extract_segments.py', method, '--infos', study.data / study.infos('train')]
    command += ['--out-dir', study.data / f'segments_{method}']
    return _step(f'segments-{method}', f'cut the images into segments: {method}', *command, after=('infos',))


def _make_data(study: Ablation, root: Path, seed: int, *options: str, suffix: str = '') -> list[Step]:
    """Steps that generate a MiniDrive and write its info files."""
    create = ['tools/create_minidrive.py', root, '--preset', study.preset, '--seed', seed]
    create += [*study.form.create, *options]
    convert = ['tools/create_data.py', *study.form.convert, '--root-path', root]
    data, infos = f'data{suffix}', f'infos{suffix}'
    return [
        _step(data, f'generate MiniDrive of seed {seed}', *create, repeatable=True, after=()),
        _step(infos, f'write the info files of seed {seed}', *convert, repeatable=True, after=(data,)),
    ]


def _data_options(study: Ablation, run: Run) -> list[str]:
    """Options of the training data: which scenes, which labels, and how often labelled frames are drawn.

    A teacher learns from labelled frames alone. A share of an arm goes before that of its setting.
    """
    setting, data = study.setting_of(run), 'train_dataloader.dataset'
    part = float(setting.get('label_part', 1.0))
    share = study.arm_of(run).get('labelled_share', setting.get('labelled_share'))
    options = [f'{data}.scene_part={float(setting.get("scene_part", 1.0))}']
    options += label_options(part, None if share is None or part == 1 else float(share))
    if draw := setting.get('label_draw'):
        options.append(f'{data}.label_draw={run.seed if draw == BY_SEED else draw}')
    if (kind := setting.get('labels', EXACT)) != EXACT:
        options.append(f'{data}.gts={study.form.labels[kind]}')
    return options


def _train(study: Ablation, run: Run) -> Step:
    """Training with the seed, the data and the schedule of a run; validated on calibration scenes."""
    config, elsewhere = study.arm_of(run)['config'], study.is_elsewhere(run)
    root, infos = (study.teacher_data, f'infos-seed{study.teacher_seed}') if elsewhere else (study.data, 'infos')
    options = [f'{part}_dataloader.dataset.data_root={root}' for part in ('train', 'val', 'test')]
    options += [
        *_data_options(study, run),
        f'val_dataloader.dataset.ann_file={study.infos("calib")}',
        f'randomness.seed={run.seed}',
        *epoch_options(study.epochs_of(run)),
        'default_hooks.checkpoint.max_keep_ckpts=1',
        'default_hooks.cpu_time.type=CPUTimeHook',
        'default_hooks.logger.interval=25',
        'log_processor.window_size=25',
    ]
    segments = study.arm_of(run).get('segments')
    after: tuple[str, ...] = (infos, f'segments-{segments}') if segments else (infos,)
    if study.is_taught(run):
        after = (*after, study.teacher_run(run.setting).name)
        options.append(f'model.teacher_ckpt={study.checkpoint(study.teacher_run(run.setting))}')
    command = ['tools/train.py', config, '--work-dir', study.folder(run), '--resume']
    command += ['--amp'] if study.amp else []
    recipe = ' '.join([config, f'epochs={study.epochs_of(run)}', *_data_options(study, run)])
    more = {'show': r'Epoch\((train|val)\)', 'after': after, 'makes': study.checkpoint(run), 'recipe': recipe}
    return _step(run.name, f'train {run.name}', *command, '--cfg-options', *options, **more)


def _step(name: str, title: str, *command: object, **more: Any) -> Step:
    return Step(name, title, [sys.executable, *map(str, command)], **more)
