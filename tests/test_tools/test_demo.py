"""The driver of `make demo`; the whole path itself runs in continuous integration at its smallest size."""

import sys

import pytest


@pytest.fixture
def demo(repo, monkeypatch):
    monkeypatch.syspath_prepend(str(repo / 'tools'))
    monkeypatch.chdir(repo)
    import demo

    yield demo
    sys.modules.pop('demo')


def _steps(demo, *args):
    return demo.RadOccDemo(demo.RadOccDemo.parser().parse_args([*map(str, args)])).steps()


def _command(steps, name):
    return next(step.command for step in steps if step.name == name)


def test_both_second_stages_start_from_the_trained_student_and_one_has_the_trained_teacher(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--seed', 3)
    names = ['data', 'infos', 'teacher', 'student', 'baseline', 'radocc', 'report']
    assert [step.name for step in steps] == names
    student = f'{tmp_path}/student/epoch_7.pth'
    assert f'load_from={student}' in _command(steps, 'baseline')
    assert f'model.student_ckpt={student}' in _command(steps, 'radocc')
    assert f'model.teacher_ckpt={tmp_path}/teacher/epoch_7.pth' in _command(steps, 'radocc')
    for name in ('teacher', 'student', 'baseline', 'radocc'):
        assert 'randomness.seed=3' in _command(steps, name)
        assert 'train_dataloader.dataset.data_root=data/minidrive-seed3' in _command(steps, name)


def test_tiny_preset_has_data_of_its_own(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--preset', 'tiny')
    assert 'data/minidrive-tiny' in _command(steps, 'data')
    assert f'train_cfg.max_epochs={demo.RadOccDemo.tiny_epochs}' in _command(steps, 'radocc')
