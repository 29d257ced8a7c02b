"""Which runs a study of many arms has, and how each is trained."""

import runpy
from pathlib import Path

import pytest

from projects.studies.ablation import Ablation, Run
from projects.studies.ablation_steps import steps_of

REPO = Path(__file__).resolve().parents[2]
STUDIES = sorted((REPO / 'configs/studies').glob('*.py'))
TEXT = """
title = 'T'
data = dict(preset='tiny', seed=3, root='data/x')
student = 'configs/flashocc/flashocc_lite0_1xb1-6e_minidrive.py'
teacher = 'configs/bevfusion_occ/bevfusion-occ_lite0_1xb1-6e_minidrive.py'
rays = 'configs/radocc/radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
controls = ['alone']
arms = dict(alone=student, radocc=rays, labelled=dict(config=student, labelled_share=1.0, epochs=3))
seeds = [4, 5]
settings = dict(few=dict(label_part=0.25, labelled_share=0.5), all=dict(labelled_share=0.5))
"""
DEPTH_TEXT = """
title = 'T'
data = dict(preset='tiny-study', seed=3, root='data/x')
student = 'configs/mono_depth/mono-depth_lite0_1xb4-12e_minidrive.py'
teacher = 'configs/stereo_depth/stereo-depth_lite0_1xb4-6e_minidrive.py'
controls = ['alone']
arms = dict(alone=student, adudepth='configs/adudepth/adudepth_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py')
seeds = [4, 5]
settings = dict(few=dict(label_part=0.25), all=dict())
"""


def options(step):
    words = step.command[step.command.index('--cfg-options') + 1 :]
    return dict(word.split('=', 1) for word in words)


@pytest.fixture
def study(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT)
    return Ablation(tmp_path / 'study.py', tmp_path / 'work')


def test_every_arm_runs_in_every_setting_with_every_seed_setting_by_setting(study):
    few, everything = ['alone', 'radocc', 'labelled'], ['alone', 'radocc']
    expected = [f'{s}/{a}/seed{n}' for s, arms in (('few', few), ('all', everything)) for n in (4, 5) for a in arms]
    assert [run.name for run in study.runs()] == expected
    assert study.find('few/radocc/seed5') == Run('few', 'radocc', 5)
    with pytest.raises(ValueError, match="has no run 'few/other/seed5'"):
        study.find('few/other/seed5')


def test_an_arm_may_have_more_seeds_of_its_own_which_come_last(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT.replace('alone=student', 'alone=dict(config=student, seeds=[4, 5, 9])'))
    runs = Ablation(tmp_path / 'study.py', tmp_path).runs()
    assert [(run.arm, run.seed) for run in runs if run.setting == 'all'] == [
        ('alone', 4),
        ('radocc', 4),
        ('alone', 5),
        ('radocc', 5),
        ('alone', 9),
    ]


@pytest.mark.parametrize('pairs', ["[('radocc', 'nobody')]", "[('alone', 'alone')]", "['alone']", "'alone'", '3'])
def test_pairs_are_two_different_arms_of_the_study(tmp_path, pairs):
    (tmp_path / 'study.py').write_text(TEXT + f'pairs = {pairs}\n')
    with pytest.raises(ValueError, match=r"pairs must be a list of two different arms each, of \['alone', 'labelled"):
        Ablation(tmp_path / 'study.py', tmp_path)
    (tmp_path / 'study.py').write_text(TEXT + "pairs = [('radocc', 'labelled')]\n")
    assert Ablation(tmp_path / 'study.py', tmp_path).pairs == [('radocc', 'labelled')]


def test_a_teacher_is_trained_once_a_setting_on_labelled_frames_for_as_many_steps(study):
    steps = {step.name: step for step in steps_of(study)}
    found = options(steps['few/teacher/seed4'])
    assert found['train_dataloader.dataset.label_part'] == '0.25'
    assert found['train_dataloader.sampler.type'] == 'LabelledShareSampler'
    assert found['train_dataloader.sampler.labelled_share'] == '1.0'
    assert found['train_cfg.max_epochs'] == found['param_scheduler.1.T_max'] == '6'
    everything = options(steps['all/teacher/seed4'])
    assert everything['train_cfg.max_epochs'] == '6'
    assert 'train_dataloader.sampler.type' not in everything  # all are labelled
    assert 'few/teacher/seed5' not in steps
    names = list(steps)
    assert names.index('few/labelled/seed5') < names.index('all/teacher/seed4') < names.index('all/alone/seed4')


def test_each_seed_can_have_labels_on_other_scenes(tmp_path):
    text = TEXT.replace('label_part=0.25', "label_part=0.25, label_draw='seed'") + 'teacher_seed = 8\n'
    (tmp_path / 'study.py').write_text(text.replace('all=dict(', 'all=dict(label_draw=3, '))
    steps = {step.name: step for step in steps_of(Ablation(tmp_path / 'study.py', tmp_path / 'work'))}
    key = 'train_dataloader.dataset.label_draw'
    assert [options(steps[f'few/alone/seed{seed}'])[key] for seed in (4, 5)] == ['4', '5']
    assert [options(steps[f'all/alone/seed{seed}'])[key] for seed in (4, 5)] == ['3', '3']
    assert key not in options(steps['elsewhere/teacher/seed4'])


def test_a_teacher_from_elsewhere_is_trained_once_on_all_labels_of_another_data_set(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT + 'teacher_seed = 8\n')
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work', tmp_path / 'data')
    steps = {step.name: step for step in steps_of(study)}
    assert list(steps)[:5] == ['data', 'infos', 'data-seed8', 'infos-seed8', 'elsewhere/teacher/seed4']
    assert [name for name in steps if 'teacher' in name] == ['elsewhere/teacher/seed4']
    create = steps['data-seed8'].command
    assert create[2] == f'{tmp_path}/data-seed8'
    assert create[create.index('--seed') + 1] == '8'
    teacher, radocc = steps['elsewhere/teacher/seed4'], steps['few/radocc/seed5']
    assert teacher.after == ('infos-seed8',)
    assert options(teacher)['train_dataloader.dataset.data_root'] == f'{tmp_path}/data-seed8'
    assert options(teacher)['train_dataloader.dataset.label_part'] == '1.0'
    assert 'train_dataloader.sampler.type' not in options(teacher)
    assert radocc.after == ('infos', 'elsewhere/teacher/seed4')
    assert options(radocc)['model.teacher_ckpt'] == f'{tmp_path}/work/elsewhere/teacher/seed4/epoch_6.pth'
    assert options(radocc)['train_dataloader.dataset.data_root'] == f'{tmp_path}/data'
    assert study.identity()['teacher_seed'] == 8
    assert study.identity() != Ablation(REPO / 'configs/studies/tiny.py', tmp_path).identity()


def test_a_student_may_be_trained_elsewhere_on_all_labels_and_is_measured_here(tmp_path):
    text = TEXT + 'arms.update(away=dict(config=student, elsewhere=True))\n'
    (tmp_path / 'study.py').write_text(text + 'teacher_seed = 8\n')
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work', tmp_path / 'data')
    steps = {step.name: step for step in steps_of(study)}
    away = steps['few/away/seed5']
    assert away.after == ('infos-seed8',)
    assert options(away)['val_dataloader.dataset.data_root'] == f'{tmp_path}/data-seed8'
    assert options(away)['train_dataloader.dataset.label_part'] == '1.0'
    assert 'train_dataloader.sampler.type' not in options(away)
    measure = steps['few/away/seed5 scores'].command
    assert measure[measure.index('--data-root') + 1] == f'{tmp_path}/data'
    (tmp_path / 'study.py').write_text(text)
    with pytest.raises(ValueError, match="arm 'away' is trained elsewhere, so the study needs teacher_seed"):
        Ablation(tmp_path / 'study.py', tmp_path)


def test_a_teacher_from_elsewhere_is_not_of_the_same_data(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT + 'teacher_seed = 3\n')
    with pytest.raises(ValueError, match='teacher_seed is another than'):
        Ablation(tmp_path / 'study.py', tmp_path)


def test_students_draw_labelled_frames_as_often_as_their_setting_says_alone_and_under_the_teacher(study):
    steps = {step.name: step for step in steps_of(study)}
    alone, radocc = options(steps['few/alone/seed5']), options(steps['few/radocc/seed5'])
    assert alone['train_dataloader.dataset.scene_part'] == '1.0'
    assert alone['train_dataloader.dataset.label_part'] == '0.25'
    assert alone['train_dataloader.sampler.labelled_share'] == '0.5'
    assert 'model.teacher_ckpt' not in alone
    assert radocc['model.teacher_ckpt'] == str(study.work_dir / 'few/teacher/seed4/epoch_6.pth')
    assert {name: value for name, value in radocc.items() if name != 'model.teacher_ckpt'} == alone
    assert alone['randomness.seed'] == '5'


def test_the_share_and_the_epochs_of_an_arm_go_before_those_of_setting_and_config(study):
    found = options({step.name: step for step in steps_of(study)}['few/labelled/seed4'])
    assert (found['train_dataloader.sampler.labelled_share'], found['train_cfg.max_epochs']) == ('1.0', '3')


def test_epochs_of_the_study_hold_for_every_arm_without_its_own_and_for_teachers(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT + 'epochs = 5\n')
    steps = {step.name: step for step in steps_of(Ablation(tmp_path / 'study.py', tmp_path))}
    found = {
        name: options(steps[f'few/{name}']).get('train_cfg.max_epochs') for name in ('teacher/seed4', 'alone/seed5')
    }
    assert found == {'teacher/seed4': '5', 'alone/seed5': '5'}
    assert options(steps['few/labelled/seed4'])['train_cfg.max_epochs'] == '3'


def test_on_fewer_scenes_there_are_as_many_steps(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT.replace('all=dict(', 'all=dict(scene_part=0.5, '))
    steps = {step.name: step for step in steps_of(Ablation(tmp_path / 'study.py', tmp_path))}
    assert options(steps['all/alone/seed4'])['train_cfg.max_epochs'] == '12'


def test_a_longer_schedule_multiplies_the_epochs_of_all_arms_of_its_setting_alone(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT.replace('few=dict(', 'few=dict(schedule=3, '))
    steps = {step.name: step for step in steps_of(Ablation(tmp_path / 'study.py', tmp_path))}
    names = ['few/alone/seed4', 'few/radocc/seed4', 'few/teacher/seed4', 'few/labelled/seed4', 'all/alone/seed4']
    assert [options(steps[name])['train_cfg.max_epochs'] for name in names] == ['18', '18', '18', '9', '6']
    # A teacher from elsewhere is one for all settings, and keeps its own length.
    (tmp_path / 'study.py').write_text(TEXT.replace('few=dict(', 'few=dict(schedule=3, ') + 'teacher_seed = 1\n')
    study = Ablation(tmp_path / 'study.py', tmp_path)
    assert (study.epochs_of(study.teacher_run('few')), study.epochs_of(study.find('few/alone/seed4'))) == (6, 18)
    (tmp_path / 'study.py').write_text(TEXT.replace('few=dict(', 'few=dict(schedule=0.5, '))
    with pytest.raises(ValueError, match=r"schedule of setting 'few' .*at least 1, got 0\.5"):
        Ablation(tmp_path / 'study.py', tmp_path)


def test_no_choice_is_made_on_held_out_scenes_while_training(study):
    trained = [step for step in steps_of(study) if 'tools/train.py' in step.command]
    assert {options(step)['val_dataloader.dataset.ann_file'] for step in trained} == {'occ3d-nus_infos_calib.pkl'}


def test_aggregated_labels_are_made_and_read_by_the_training_data_of_their_setting_alone(tmp_path, study):
    (tmp_path / 'study.py').write_text(TEXT.replace('all=dict(', "all=dict(labels='aggregated', "))
    steps = {step.name: step for step in steps_of(Ablation(tmp_path / 'study.py', tmp_path / 'work'))}
    assert steps['data'].command[-2:] == ['--labels', 'aggregated']
    exact = {step.name: step for step in steps_of(study)}
    assert '--labels' not in exact['data'].command
    for name in ('all/teacher/seed4', 'all/radocc/seed5'):
        added = options(steps[name]).items() - options(exact[name]).items()
        assert dict(added) == {'train_dataloader.dataset.gts': 'gts_aggregated'}
    assert steps['few/alone/seed4'] == exact['few/alone/seed4']
    (tmp_path / 'study.py').write_text(DEPTH_TEXT.replace('label_part=0.25', "labels='aggregated'"))
    with pytest.raises(ValueError, match=r"labels of setting 'few' must be one of \['exact'\]"):
        Ablation(tmp_path / 'study.py', tmp_path)


def test_the_task_of_a_study_is_that_of_its_student(tmp_path):
    (tmp_path / 'study.py').write_text(DEPTH_TEXT)
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work')
    steps = {step.name: step for step in steps_of(study)}
    assert study.task == 'depth'
    assert steps['data'].command[-2:] == ['--format', 'kitti']
    assert steps['infos'].command[2] == 'kitti-depth'
    assert '--amp' not in steps['few/alone/seed4'].command
    found = options(steps['few/adudepth/seed4'])
    assert found['val_dataloader.dataset.ann_file'] == 'kitti-depth_infos_calib.pkl'
    assert found['model.teacher_ckpt'] == str(study.work_dir / 'few/teacher/seed4/epoch_6.pth')
    assert found['train_cfg.max_epochs'] == '12'
    assert study.infos('val') == 'kitti-depth_infos_val.pkl'


MEMORY = """
arms = dict(
    alone=student,
    memory='configs/flashocc/flashocc_lite0-4d_1xb1-6e_minidrive.py',
    swapped=dict(weights='memory', swap_history=True),
)
"""


def test_an_arm_may_measure_the_weights_of_another_one_and_trains_nothing(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT + MEMORY + 'del teacher\n')
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work')
    steps = {step.name: step for step in steps_of(study)}
    assert 'all/swapped/seed4' not in steps
    assert steps['all/swapped/seed4 scores'].after == ('all/memory/seed4',)
    run = study.find('all/swapped/seed4')
    assert study.checkpoint(run) == tmp_path / 'work/all/memory/seed4/epoch_6.pth'
    assert study.scores(run).name == 'all-swapped-seed4.npz'
    assert study.swaps_history(run)
    assert not study.swaps_history(study.find('all/memory/seed4'))


def test_the_recipe_of_a_run_is_its_config_schedule_and_labels_wherever_its_files_lie(tmp_path, study):
    recipes = {step.name: step.recipe for step in steps_of(study)}
    (tmp_path / 'study.py').write_text(TEXT.replace('data/x', 'data/y'))
    assert {step.name: step.recipe for step in steps_of(Ablation(tmp_path / 'study.py', tmp_path / 'copy'))} == recipes
    for before, after, changed in (
        ('epochs=3', 'epochs=5', 'few/labelled/seed4'),
        ('label_part=0.25', 'label_part=0.5', 'few/alone/seed4'),
        ('labelled_share=0.5)', 'labelled_share=0.25)', 'few/radocc/seed4'),
        ('alone=student', "alone='configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py'", 'few/alone/seed4 scores'),
    ):
        (tmp_path / 'study.py').write_text(TEXT.replace(before, after))
        edited = {step.name: step.recipe for step in steps_of(Ablation(tmp_path / 'study.py', tmp_path / 'work'))}
        assert edited[changed] != recipes[changed]
        assert edited['all/radocc/seed5'] == recipes['all/radocc/seed5'] or 'share' in before


def test_a_study_without_taught_arms_trains_no_teacher(tmp_path, study):
    (tmp_path / 'memory.py').write_text(TEXT + MEMORY)
    assert not [step.name for step in steps_of(Ablation(tmp_path / 'memory.py', tmp_path)) if 'teacher' in step.name]
    (tmp_path / 'memory.py').write_text(TEXT + MEMORY + 'del teacher\n')
    assert Ablation(tmp_path / 'memory.py', tmp_path).teachers_of('few') == []
    assert study.teachers_of('few') == [Run('few', 'teacher', 4)]
    (tmp_path / 'taught.py').write_text(TEXT + 'del teacher\n')
    with pytest.raises(ValueError, match="arm 'radocc' has a teacher, so the study needs the key teacher"):
        Ablation(tmp_path / 'taught.py', tmp_path)


def test_students_are_measured_with_their_own_config_and_taught_ones_as_plain_students(tmp_path):
    radocc = "'configs/radocc/radocc_bevfusion-lite0_flashocc-lite0-4d_1xb1-6e_minidrive.py'"
    temporal = 'configs/flashocc/flashocc_lite0-4d_1xb1-6e_minidrive.py'
    taught = f'arms.update(radocc=rays, taught=dict(config={radocc}, student={temporal!r}))\n'
    (tmp_path / 'study.py').write_text(TEXT + MEMORY + taught)
    study = Ablation(tmp_path / 'study.py', tmp_path)
    found = {arm: study.student_of(Run('all', arm, 4)) for arm in study.arms}
    plain = study.student
    assert found == {'alone': plain, 'memory': temporal, 'swapped': temporal, 'radocc': plain, 'taught': temporal}


def test_segments_of_an_arm_are_made_of_the_training_images_before_it_is_trained(tmp_path):
    slic = 'configs/radocc/radocc-rsc-slic_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
    (tmp_path / 'study.py').write_text(TEXT + f"arms.update(slic=dict(config={slic!r}, segments='slic'))\n")
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work', tmp_path / 'data')
    steps = {step.name: step for step in steps_of(study)}
    made, trained = steps['segments-slic'], steps['all/slic/seed4']
    infos = ['--infos', f'{tmp_path}/data/occ3d-nus_infos_train.pkl']
    assert made.command[1:] == [
        'tools/extract_segments.py',
        'slic',
        *infos,
        '--out-dir',
        f'{tmp_path}/data/segments_slic',
    ]
    assert trained.after == ('infos', 'segments-slic', 'all/teacher/seed4')
    assert steps['all/radocc/seed4'].after == ('infos', 'all/teacher/seed4')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (TEXT + "arms.update(other=dict(weights='none'))", "arm 'other' needs either its config or, as 'weights'"),
        (TEXT + "arms.update(other=dict(config=student, weights='alone'))", "arm 'other' needs either its config"),
        (DEPTH_TEXT + "arms.update(other=dict(weights='alone', swap_history=True))", r"has \['swap_history'\]"),
    ],
)
def test_a_wrong_arm_is_refused_by_name(tmp_path, text, message):
    (tmp_path / 'study.py').write_text(text)
    with pytest.raises(ValueError, match=message):
        Ablation(tmp_path / 'study.py', tmp_path)


@pytest.mark.parametrize('path', STUDIES, ids=lambda path: path.stem)
def test_every_study_of_the_repository_names_configs_that_are_there(path, tmp_path):
    study = Ablation(path, tmp_path)
    configs = {word for step in steps_of(study) for word in step.command if word.startswith('configs/')}
    assert all((REPO / config).is_file() for config in configs)
    assert set(study.controls) <= set(study.arms)


def test_paths_of_a_study_are_those_of_the_folder_where_it_is_called(tmp_path, monkeypatch, capsys):
    (tmp_path / 'mine.py').write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('sys.argv', ['study.py', 'mine.py', '--data-root', 'drives', '--list'])
    with pytest.raises(SystemExit, match='0'):
        runpy.run_path(str(REPO / 'tools/analysis_tools/study.py'), run_name='__main__')
    assert 'train few/teacher/seed4' in capsys.readouterr().out.splitlines()


def test_the_tool_works_in_the_folder_of_make_study():
    work_dir_of = runpy.run_path(str(REPO / 'tools/analysis_tools/study.py'))['work_dir_of']
    assert work_dir_of(Path('configs/studies/memory.py')) == Path('work_dirs/study_memory')
    assert 'work_dirs/study_$(basename $(notdir $(STUDY)))' in (REPO / 'Makefile').read_text()


def test_rays_belong_to_studies_of_occupancy_alone(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT.replace('rays =', '_rays =').replace('radocc=rays', 'radocc=_rays'))
    with pytest.raises(ValueError, match=r"missing \['rays'\]"):
        Ablation(tmp_path / 'study.py', tmp_path)
    (tmp_path / 'study.py').write_text(DEPTH_TEXT + 'rays = student\n')
    with pytest.raises(ValueError, match=r"unknown \['rays'\]"):
        Ablation(tmp_path / 'study.py', tmp_path)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (('seeds = [4, 5]', 'seeds = [4, 5]\ndel student'), r"missing \['student'\]"),
        (('seeds', 'seed'), r"missing \['seeds'\], unknown \['seed'\]"),
        (("controls = ['alone']", "controls = ['none']"), r"controls \['none'\] must be arms"),
        (('epochs=3', 'epoch=3'), r"arm 'labelled' has \['epoch'\]"),
        (('label_part=0.25', 'label=0.25'), r"setting 'few' has \['label'\]"),
        (('label_part=0.25', 'label_part=25'), r"label_part of setting 'few' of .* above 0 and at most 1, got 25"),
        (('labelled_share=1.0', "labelled_share='all'"), r"labelled_share of arm 'labelled' .* got 'all'"),
        (('seeds = [4, 5]', 'seeds = 4'), r'seeds must be a list of integers of at least 0, such as \[0, 1\], got 4'),
        (('seeds = [4, 5]', "seeds = ['a']"), r"seeds must be a list of integers .* got \['a'\]"),
        (('epochs=3', 'seeds=[-1]'), r"seeds of arm 'labelled' must be a list of integers .* got \[-1\]"),
        (('radocc=rays', 'radocc=3'), r"arm 'radocc' must be a config file or a dict of keys, got 3"),
        (
            ('radocc=rays', "radocc='configs/no.py'"),
            r"config of arm 'radocc' .*: there is no config 'configs/no.py'; a path",
        ),
        (("rays = 'configs/radocc", "rays = 'configs/other"), r'rays of .*: there is no config'),
        (("teacher = 'configs", "teacher = 'my"), r"config of arm 'teacher' of .*: there is no config"),
        (('label_part=0.25', 'label_draw=-1'), r"label_draw of setting 'few' .* at least 0 or 'seed', got -1"),
        (('label_part=0.25', "label_draw='seed'"), r"setting 'few' has other labels for each seed, but one teacher"),
        (('label_part=0.25', "labels='noisy'"), r"labels of setting 'few' must be one of \['aggregated', 'exact'\]"),
    ],
)
def test_a_wrong_study_is_refused_with_what_is_wrong(tmp_path, change, message):
    (tmp_path / 'study.py').write_text(TEXT.replace(*change))
    with pytest.raises(ValueError, match=message):
        Ablation(tmp_path / 'study.py', tmp_path)


def test_words_name_arms_settings_and_pairs_and_what_has_none_keeps_its_name(tmp_path):
    words = "words = dict(few=('few labels', 'One in four.'), radocc=('RadOcc', 'Under a teacher.'))"
    (tmp_path / 'study.py').write_text(f'{TEXT}{words}')
    study = Ablation(tmp_path / 'study.py', tmp_path)
    assert [study.name_of(name) for name in ('few', 'alone')] == ['few labels', 'alone']
    assert study.name_of('radocc over alone') == 'RadOcc over alone'
    assert [study.about('few'), study.about('alone')] == ['One in four.', '']


@pytest.mark.parametrize('pair', ["'RadOcc'", "('RadOcc', '')", "('RadOcc',)", '3'])
def test_words_that_are_no_name_with_a_sentence_are_refused(tmp_path, pair):
    (tmp_path / 'study.py').write_text(f'{TEXT}words = dict(radocc={pair})')
    with pytest.raises(ValueError, match=r"'radocc' must have a name for the page and a sentence, got"):
        Ablation(tmp_path / 'study.py', tmp_path)
