"""The driver of `make demo-depth`; the whole path itself runs in continuous integration at its smallest size."""

import json
import sys

import pytest
from mmengine.config import Config


@pytest.fixture
def demo(repo, monkeypatch):
    monkeypatch.syspath_prepend(str(repo / 'tools'))
    monkeypatch.chdir(repo)
    import demo_depth

    yield demo_depth
    sys.modules.pop('demo_depth')


def _steps(demo, *args):
    steps = demo.AduDepthDemo(demo.AduDepthDemo.parser().parse_args([*map(str, args)])).steps()
    return {step.name: step.command for step in steps if not step.name.startswith('page')}


def test_both_students_start_from_the_same_weights_and_learn_from_the_trained_teacher(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--seed', 3)
    data = ['data', 'infos', 'data-other', 'infos-other']
    assert list(steps) == [*data, 'teacher', 'init', 'baseline', 'adudepth', 'control', 'report']
    init = str(tmp_path / 'student_init.pth')
    assert init in steps['init']
    assert f'load_from={init}' in steps['baseline']
    assert f'model.student_ckpt={init}' in steps['adudepth']
    epochs = Config.fromfile(demo.TEACHER).train_cfg.max_epochs
    assert f'model.teacher_ckpt={tmp_path}/teacher/epoch_{epochs}.pth' in steps['adudepth']
    for name in ('teacher', 'control', 'baseline', 'adudepth'):
        assert 'randomness.seed=3' in steps[name]


def test_students_have_few_labels_and_the_teacher_all_of_another_data_set(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--seed', 3)
    own, other = 'data/minidrive-kitti-seed3', 'data/minidrive-kitti-seed3-other100'
    for name, share in {'baseline': 1.0, 'adudepth': 0.5}.items():
        assert f'train_dataloader.dataset.data_root={own}' in steps[name]
        assert 'train_dataloader.dataset.label_part=0.1' in steps[name]
        assert f'train_dataloader.sampler.labelled_share={share}' in steps[name]
    for name in ('teacher', 'control'):
        assert f'train_dataloader.dataset.data_root={other}' in steps[name]
        assert not [word for word in steps[name] if 'label_part' in word or 'sampler' in word]
    create = steps['data-other']
    assert other in create
    assert create[create.index('--seed') + 1] == '103'
    assert create[create.index('--format') + 1] == 'kitti'
    assert steps['report'][steps['report'].index('--label-part') + 1] == '0.1'


def test_only_the_distilled_student_waits_for_the_teacher(demo, tmp_path):
    steps = demo.AduDepthDemo(demo.AduDepthDemo.parser().parse_args(['--work-dir', str(tmp_path)])).steps()
    waits = {step.name: step.after for step in steps}
    # Data are generated on all cores, so trainings wait for both sets.
    assert waits['teacher'] == waits['control'] == ('infos-other',)
    assert waits['baseline'] == ('infos-other', 'init')
    assert waits['adudepth'] == ('infos-other', 'init', 'teacher')


def test_further_seeds_share_data_and_teacher(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--seeds', 3)
    added = ['init', 'baseline', 'adudepth']
    students = [*added, *(f'{name}-seed{n}' for n in (1, 2) for name in added)]
    assert list(steps)[5:] == [*students, 'control', 'report']
    assert f'model.student_ckpt={tmp_path}/student_init-seed2.pth' in steps['adudepth-seed2']
    assert 'randomness.seed=2' in steps['baseline-seed2']
    ckpt = next(option for option in steps['adudepth'] if option.startswith('model.teacher_ckpt='))
    assert ckpt in steps['adudepth-seed2']
    assert 'train_dataloader.dataset.data_root=data/minidrive-kitti' in steps['adudepth-seed2']
    assert steps['report'][steps['report'].index('--seeds') + 1] == '3'


def test_page_is_written_of_the_data_and_anew_after_every_model(demo, tmp_path):
    steps = demo.AduDepthDemo(demo.AduDepthDemo.parser().parse_args(['--work-dir', str(tmp_path)])).steps()
    pages = [step.name for step in steps if '--so-far' in step.command]
    assert pages == ['page', 'page-teacher', 'page-baseline', 'page-adudepth']
    assert steps[2].name == 'page'


def test_tiny_preset_has_data_of_its_own(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--preset', 'tiny')
    assert 'data/minidrive-kitti-tiny' in steps['data']
    assert f'train_cfg.max_epochs={demo.AduDepthDemo.tiny_epochs}' in steps['adudepth']
    assert f'model.teacher_ckpt={tmp_path}/teacher/epoch_{demo.AduDepthDemo.tiny_epochs}.pth' in steps['adudepth']


def test_crops_of_the_tiny_preset_fit_into_its_images(demo):
    """Its images are 128 x 416; the option names the crop by its place in the pipeline."""
    option = next(option for option in demo.AduDepthDemo.tiny_options if '.pipeline.' in option)
    key, value = option.split('=')
    for name in (demo.TEACHER, demo.CONTROL, demo.STUDENT, demo.ADUDEPTH):
        config = Config.fromfile(name)
        config.merge_from_dict({key: json.loads(value)})
        crop = config.train_dataloader.dataset.pipeline[demo.CROP_STEP]
        assert crop.type == 'StereoCrop'
        assert list(crop['size']) == [96, 320]


def test_control_differs_from_the_teacher_by_its_right_image_only(demo):
    teacher, control = Config.fromfile(demo.TEACHER).to_dict(), Config.fromfile(demo.CONTROL).to_dict()
    assert control['model'].pop('right_from_left') is True
    assert control == teacher


def test_both_students_see_the_same_samples(demo):
    student, distilled = Config.fromfile(demo.STUDENT), Config.fromfile(demo.ADUDEPTH)
    for key in ('train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'):
        assert student[key] == distilled[key]
    assert distilled.model.student.to_dict() == student.model.to_dict()


def test_inference_of_a_student_loads_no_right_image(demo):
    for name in (demo.STUDENT, demo.ADUDEPTH):
        for loader in (Config.fromfile(name).val_dataloader, Config.fromfile(name).test_dataloader):
            assert not loader.dataset.get('stereo', False)
