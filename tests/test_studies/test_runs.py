import json

import pytest

from projects.studies.runs import RunLog, last_checkpoint, read_run_log


def _write(folder, records):
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(json.dumps(record) for record in records))


def test_steps_of_a_resumed_run_are_joined_and_the_later_start_wins(tmp_path):
    _write(
        tmp_path / '20260101_000000' / 'vis_data',
        [
            {'loss': 4.0, 'loss_occ': 3.0, 'time': 9.0, 'step': 1},
            {'loss': 3.0, 'loss_occ': 2.0, 'time': 1.0, 'step': 2},
            {'occ/mIoU': 10.0, 'step': 1},
        ],
    )
    _write(
        tmp_path / '20260101_010000' / 'vis_data',
        [
            {'loss': 2.5, 'loss_occ': 2.0, 'time': 2.0, 'step': 2},
            {'loss': 2.0, 'loss_occ': 1.5, 'time': 4.0, 'step': 3},
        ],
    )
    log = read_run_log(tmp_path)
    assert log.curve('loss') == ([1, 2, 3], [4.0, 2.5, 2.0])
    assert log.loss_names() == ['loss', 'loss_occ']
    assert log.median_step_time() == 3.0
    assert log.seconds() == 3 * 3.0
    assert [record['occ/mIoU'] for record in log.validations] == [10.0]


def test_seconds_are_cpu_time_where_it_was_logged():
    steps = [{'step': 10 * i, 'time': 9.0, 'cpu_time': cpu} for i, cpu in enumerate((5.0, 2.0, 3.0, 2.5), 1)]
    assert RunLog(steps).seconds() == 40 * 2.5


def write_log(tmp_path, content):
    path = tmp_path / '20260101_000000' / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


@pytest.mark.parametrize(
    'end', [b'', b'{"loss": 0.5, "st', b'{"loss": 0.5, "step": 3}', b'\n\n', b'\xff', b'{"loss": 0.5}']
)
def test_half_a_last_line_of_a_killed_run_is_left_out_and_a_whole_one_kept(tmp_path, end):
    write_log(tmp_path, b'{"loss": 2.0, "step": 1}\n{"loss": 1.0, "step": 2}\n' + end)
    steps = [1, 2, 3] if end.endswith(b'3}') else [1, 2]
    assert read_run_log(tmp_path).curve('loss')[0] == steps


@pytest.mark.parametrize('line', [b'{"loss": 0.5, "st', b'\0\0\0', b'\xff\xfe', b'5', b'{"loss": 1.0}', b'[' * 100_000])
def test_other_damaged_lines_are_named(tmp_path, line):
    write_log(tmp_path, b'{"loss": 2.0, "step": 1}\n' + line + b'\n{"loss": 1.0, "step": 2}\n')
    with pytest.raises(ValueError, match=r'line 2 of .*scalars\.json is '):
        read_run_log(tmp_path)


def test_a_directory_without_log_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        read_run_log(tmp_path)


def test_a_run_in_json_is_its_costs_and_its_first_and_last_losses():
    records = [{'loss': 4.0, 'time': 9.0, 'step': 1}, {'loss': 3.0, 'time': 1.0, 'step': 2}]
    log = RunLog(records, peak_mb=99.96)
    assert log.costs_as_json() == {'step_s': 1.0, 'peak_mb': 100.0}
    assert log.losses_as_json() == {'loss': [4.0, 3.0]}


def test_a_run_without_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='the run teacher has not been trained'):
        last_checkpoint(tmp_path / 'teacher')
