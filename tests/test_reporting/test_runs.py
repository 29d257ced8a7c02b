import json
import sys

import pytest

from projects.reporting import read_run_log, run_command


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
    assert [record['occ/mIoU'] for record in log.validations] == [10.0]


def test_a_directory_without_log_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        read_run_log(tmp_path)


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
