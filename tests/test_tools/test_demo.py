"""The driver of `make demo`; the whole path itself runs in continuous integration at its smallest size."""

import sys

import pytest

from projects.studies.demo import ROOT, step_environment
from projects.studies.steps import run_command, run_steps


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


def test_all_take_the_same_steps_and_one_has_the_trained_teacher(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--seed', 3)
    names = [step.name for step in steps if not step.name.startswith('page')]
    data = ['data', 'infos', 'data-other', 'infos-other']
    assert names == [*data, 'teacher', 'baseline', 'radocc', 'labelled', 'report']
    assert f'model.teacher_ckpt={tmp_path}/teacher/epoch_4.pth' in _command(steps, 'radocc')
    for name in ('teacher', 'baseline', 'radocc', 'labelled'):
        command = _command(steps, name)
        assert 'train_cfg.max_epochs=4' in command
        assert 'param_scheduler.1.T_max=4' in command
        assert 'randomness.seed=3' in command


def test_students_have_few_labels_and_the_teacher_all_of_another_data_set(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--seed', 3)
    for name, share in {'baseline': 0.5, 'radocc': 0.5, 'labelled': 1.0}.items():
        command = _command(steps, name)
        assert 'train_dataloader.dataset.label_part=0.07' in command
        assert f'train_dataloader.sampler.labelled_share={share}' in command
        assert 'train_dataloader.dataset.data_root=data/minidrive-seed3' in command
    teacher, other = _command(steps, 'teacher'), 'data/minidrive-seed3-other100'
    assert {f'{part}_dataloader.dataset.data_root={other}' for part in ('train', 'val', 'test')} <= set(teacher)
    assert not [word for word in teacher if 'label_part' in word or 'sampler' in word]
    create, infos = _command(steps, 'data-other'), _command(steps, 'infos-other')
    assert other in create
    assert create[create.index('--seed') + 1] == '103'
    assert infos[infos.index('--root-path') + 1] == other


def test_options_of_the_command_line_reach_every_training_and_win(demo, tmp_path):
    given = ['train_dataloader.num_workers=4', 'randomness.seed=9']
    steps = _steps(demo, '--work-dir', tmp_path, '--cfg-options', *given)
    trainings = [step.command for step in steps if 'tools/train.py' in step.command]
    assert len(trainings) == 4
    assert all(command[-2:] == given for command in trainings)


def test_a_work_directory_of_other_options_is_refused(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(demo.RadOccDemo, 'steps', lambda self: [])

    def run(*options):
        demo.RadOccDemo(demo.RadOccDemo.parser().parse_args(['--work-dir', str(tmp_path), *options])).run()

    run('--cfg-options', 'train_dataloader.batch_size=4')
    with pytest.raises(SystemExit, match='use another --work-dir'):
        run()


def test_steps_find_this_checkout_first_and_then_what_the_caller_has_on_the_path(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    (tmp_path / 'of_the_caller.py').write_text('')
    run_command([sys.executable, '-c', 'import of_the_caller, sys; print(sys.path[1:3])'], step_environment())
    assert capfd.readouterr().out == f'{[str(ROOT), str(tmp_path)]}\n'
    monkeypatch.delenv('PYTHONPATH')
    assert step_environment()['PYTHONPATH'] == str(ROOT)


def test_only_the_distilled_student_waits_for_the_teacher(demo, tmp_path):
    waits = {step.name: step.after for step in _steps(demo, '--work-dir', tmp_path)}
    assert waits['data-other'] == ('infos',)
    assert waits['infos-other'] == ('data-other',)
    # Data are generated on all cores, so trainings wait for both sets.
    assert waits['teacher'] == waits['baseline'] == waits['labelled'] == ('infos-other',)
    assert waits['radocc'] == ('infos-other', 'teacher')
    assert waits['report'] is None  # all of them


def test_page_is_written_of_the_data_and_anew_after_every_model_and_the_report_comes_last(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path)
    first = [step.name for step in steps][:6]
    assert first == ['data', 'infos', 'page', 'data-other', 'infos-other', 'teacher']
    pages = {step.name: step.after for step in steps if step.name.startswith('page')}
    assert pages == {
        'page': ('infos',),
        'page-teacher': ('teacher',),
        'page-baseline': ('baseline',),
        'page-radocc': ('radocc',),
    }
    assert '--so-far' in _command(steps, 'page')
    assert '--so-far' not in _command(steps, 'report')
    assert steps[-1].name == 'report'


def test_tiny_preset_has_data_of_its_own(demo, tmp_path):
    steps = _steps(demo, '--work-dir', tmp_path, '--preset', 'tiny')
    assert 'data/minidrive-tiny' in _command(steps, 'data')
    assert f'train_cfg.max_epochs={demo.RadOccDemo.tiny_epochs}' in _command(steps, 'radocc')


def test_laptop_page_shows_the_cameras_before_anything_is_trained(demo, tmp_path, minidrive_root):
    """Info files and first page of `make demo PRESET=tiny`; the data are there already."""
    args = ['--work-dir', str(tmp_path), '--preset', 'tiny', '--data-root', str(minidrive_root)]
    demo_of = demo.RadOccDemo(demo.RadOccDemo.parser().parse_args(args))
    steps = [step for step in demo_of.steps() if step.name in ('infos', 'page')]
    run_steps(tmp_path, {'preset': 'tiny'}, steps, step_environment())
    html = (tmp_path / 'report.html').read_text()
    assert 'Not finished: 0 of 4 models are trained' in html
    assert 'These numbers mean nothing' in html
    assert html.count('<img src="data:image/') == 4  # six cameras, the label, and what two cameras see of it
    assert (tmp_path / 'viewer.html').is_file()
