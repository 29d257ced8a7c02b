import json
import os
import subprocess
import sys
import time

import pytest

from projects.fileio import BadFileError, FolderInUseError, FolderLock
from projects.studies.steps import Step, open_work_dir, run_command, run_steps, steps_to_run, write_json

IDENTITY = {'preset': 'tiny', 'seed': 0}


def test_command_is_measured_and_its_failure_names_it():
    cost = run_command([sys.executable, '-c', 'x = bytearray(64 * 2**20)'])
    assert cost['seconds'] > 0
    assert cost['peak_mb'] > 64
    with pytest.raises(RuntimeError, match=r'exit code 3 from: .*raise SystemExit'):
        run_command([sys.executable, '-c', 'raise SystemExit(3)'])


def test_only_matching_lines_are_shown_and_the_last_ones_of_a_failure(capfd):
    program = "print('noise'); print('INFO - Epoch 1'); raise SystemExit('broken')"
    with pytest.raises(RuntimeError, match=r'noise\nINFO - Epoch 1\nbroken\nexit code 1'):
        run_command([sys.executable, '-u', '-c', program], show='Epoch')
    assert capfd.readouterr().out == 'Epoch 1\n'


def test_work_directory_of_another_demo_is_refused(tmp_path):
    assert open_work_dir(tmp_path, IDENTITY) == {}
    write_json(tmp_path / 'costs.json', {'data': {'seconds': 2.0, 'peak_mb': 9.0}})
    assert open_work_dir(tmp_path, IDENTITY)['data']['seconds'] == 2.0
    with pytest.raises(SystemExit, match=r'holds a demo of .*use another --work-dir'):
        open_work_dir(tmp_path, {**IDENTITY, 'seed': 1})
    assert json.loads((tmp_path / 'demo.json').read_text()) == IDENTITY


def test_costs_that_are_none_are_named(tmp_path):
    for costs in ([], {'data': 3.0}, {'data': {'peak_mb': 9.0}}):
        write_json(tmp_path / 'costs.json', costs)
        with pytest.raises(BadFileError, match=r"costs\.json does not hold the 'seconds'"):
            open_work_dir(tmp_path, IDENTITY)


def test_what_was_made_by_another_recipe_is_named_and_not_taken_for_done(tmp_path):
    def run(recipe):
        run_steps(tmp_path, IDENTITY, [Step('a', 'a', [sys.executable, '-c', ''], recipe=recipe)], {})

    run('student.py epochs=4')
    run('student.py epochs=4')
    before = (tmp_path / 'costs.json').read_text()
    with pytest.raises(SystemExit, match=r"a was made by 'student\.py epochs=4', and is 'student\.py epochs=7' now"):
        run('student.py epochs=7')
    assert (tmp_path / 'costs.json').read_text() == before
    run(None)  # and where no recipe was written down, or none is asked for, nothing is compared
    write_json(tmp_path / 'costs.json', {'a': {'seconds': 2.0}})
    run('student.py epochs=7')


def test_two_processes_never_run_steps_in_one_work_directory(tmp_path):
    mark = tmp_path / 'ran.txt'
    steps = [Step('a', 'a', [sys.executable, '-c', f'open({str(mark)!r}, "w").close()'])]
    said = f'{tmp_path} is in use by process {os.getpid()}'
    with FolderLock(tmp_path, tmp_path / '.steps'), pytest.raises(FolderInUseError, match=said):
        run_steps(tmp_path, IDENTITY, steps, {})
    assert not mark.exists()
    run_steps(tmp_path, IDENTITY, steps, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ['costs.json', 'demo.json', 'ran.txt']


def test_a_second_run_leaves_out_what_finished_and_repeats_what_may_be_repeated(tmp_path, capfd):
    def step(name, program, repeatable=False):
        return Step(name, f'{name} is made', [sys.executable, '-c', program], repeatable)

    steps = [step('data', "print('DATA')", True), step('model', "print('MODEL')"), step('bad', 'raise SystemExit(3)')]
    with pytest.raises(SystemExit, match=r"step 'bad' failed: .*exit code 3 from"):
        run_steps(tmp_path, IDENTITY, steps, {})
    assert 'MODEL' in capfd.readouterr().out
    assert set(json.loads((tmp_path / 'costs.json').read_text())) == {'data', 'model'}
    run_steps(tmp_path, IDENTITY, [*steps[:2], step('bad', 'pass')], {})
    shown = capfd.readouterr().out
    assert 'DATA' in shown
    assert 'MODEL' not in shown
    assert '[2/3] model is made: done before in' in shown


def test_a_lost_file_is_made_again_when_a_step_that_is_to_run_needs_it(tmp_path):
    def step(name, *after):
        return Step(name, name, [], after=after, makes=tmp_path / name)

    steps = [step('teacher'), step('alone'), step('taught', 'teacher'), step('page', 'alone', 'taught')]
    names = [step.name for step in steps]
    for name in ('taught', 'page'):
        (tmp_path / name).touch()
    assert steps_to_run(steps, names) == set()  # nobody asks for teacher and alone any more
    assert steps_to_run(steps, ['teacher', 'alone', 'taught']) == {'page', 'alone'}
    assert steps_to_run(steps, ['teacher', 'alone', 'page']) == {'taught', 'teacher'}
    (tmp_path / 'page').unlink()
    assert steps_to_run(steps, names) == {'page', 'alone'}
    (tmp_path / 'taught').unlink()
    assert steps_to_run(steps, names) == set(names)
    steps[3] = Step('page', 'all before it', [], repeatable=True)
    assert steps_to_run(steps, names) == set(names)


def test_jobs_start_as_soon_as_what_they_need_is_done(tmp_path, capfd):
    """c waits for a alone, so it ends while b, which ends when it sees c's file, still runs: in a row b would wait."""

    def step(name, program, *after):
        return Step(name, name, [sys.executable, '-c', program], show='.', after=after)

    mark = tmp_path / 'c.txt'
    wait = f'import pathlib, time\nfor _ in range(600):\n    if pathlib.Path({str(mark)!r}).exists(): break\n'
    wait += "    time.sleep(0.05)\nelse: raise SystemExit('c never ran')\nprint('B')"
    steps = [
        step('a', "import os; print('A', os.environ['OMP_NUM_THREADS'])"),
        step('b', wait),
        step('c', f"open({str(mark)!r}, 'w').close()", 'a'),
        step('d', "print('D')", 'b', 'c'),
    ]
    run_steps(tmp_path / 'work', IDENTITY, steps, {'OMP_NUM_THREADS': '1'}, jobs=2)
    shown = capfd.readouterr().out
    assert 'a: A 1\n' in shown
    assert shown.index('b: B') < shown.index('d: D')
    assert set(json.loads((tmp_path / 'work/costs.json').read_text())) == {'a', 'b', 'c', 'd'}


def test_a_failure_lets_running_jobs_finish_and_starts_none(tmp_path):
    def step(name, program):
        return Step(name, name, [sys.executable, '-c', program], after=())

    steps = [step('bad', 'raise SystemExit(3)'), step('slow', 'import time; time.sleep(1)'), step('new', 'pass')]
    with pytest.raises(SystemExit, match="step 'bad' failed"):
        run_steps(tmp_path, IDENTITY, steps, {}, jobs=2)
    assert set(json.loads((tmp_path / 'costs.json').read_text())) == {'slow'}


def test_a_step_that_needs_one_behind_it_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'a' needs \['b'\]"):
        run_steps(tmp_path, IDENTITY, [Step('a', 'a', ['true'], after=('b',)), Step('b', 'b', ['true'])], {})


def test_a_demo_starts_without_torch(run_python):
    run_python(
        '-c', "import sys, projects.studies.demo; assert not {'torch', 'mmdet3d', 'matplotlib'} & set(sys.modules)"
    )


def test_steps_that_run_end_with_the_run_when_it_is_terminated(tmp_path, repo):
    """Else they would go on alone, and hold the folder that the next run trains in."""
    sleeper = f"import os, pathlib, time; pathlib.Path(r'{tmp_path}/pid').write_text(str(os.getpid())); time.sleep(60)"
    program = (
        'import sys; from pathlib import Path; from projects.studies.steps import Step, run_steps\n'
        f'steps = [Step("long", "long", [sys.executable, "-c", {sleeper!r}])]\n'
        f"run_steps(Path(r'{tmp_path}/work'), {{}}, steps, {{}}, jobs=2)"
    )
    environment = {**os.environ, 'PYTHONPATH': str(repo)}
    run = subprocess.Popen([sys.executable, '-c', program], stderr=subprocess.PIPE, text=True, env=environment)
    deadline = time.monotonic() + 60
    while not (tmp_path / 'pid').exists() or not (tmp_path / 'pid').read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.terminate()
    assert "interrupted in step 'long'; run the same command again" in run.communicate(timeout=30)[1]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / 'pid').read_text()), 0)
