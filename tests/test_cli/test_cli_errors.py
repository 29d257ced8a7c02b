"""Errors that the code foresaw end a tool in one message; others keep their traceback."""

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from projects.cli import foreseen_message, run_tool
from projects.engine import CheckpointError, load_checkpoint_safe
from projects.occ_eval.files import read_occ_label


def error_of(call, *args):
    with pytest.raises(Exception) as error:
        call(*args)
    return error.value


def test_an_error_that_our_code_raises_is_its_message(tmp_path):
    assert foreseen_message(error_of(read_occ_label, str(tmp_path / 'x.npz'), None)).startswith(str(tmp_path / 'x.npz'))
    (tmp_path / 'x.pth').write_bytes(b'no checkpoint')
    error = error_of(load_checkpoint_safe, tmp_path / 'x.pth')
    assert isinstance(error, CheckpointError)
    assert foreseen_message(error) == str(error)


def test_the_message_of_a_key_error_has_no_quotes_around_it():
    from projects.distillation.wiring import pick

    error = error_of(pick, {'student': {'a': 1}}, 'student.b', 'loss_inputs.x')
    message = foreseen_message(error)
    assert message
    assert not message.startswith(('"', "'"))


def test_an_operation_that_failed_is_not_foreseen(tmp_path):
    assert foreseen_message(error_of(torch.zeros(2).reshape, 3)) is None
    assert foreseen_message(error_of(read_occ_label, 3, None)) is None
    assert foreseen_message(error_of({}.__getitem__, 'x')) is None


class FailingSet(Dataset):
    """A data set whose samples are read by our code, from a file that is not there."""

    def __init__(self, path):
        self.path = path

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return 1 // 0 if self.path is None else read_occ_label(self.path, 'camera')


def test_an_error_of_the_system_that_names_its_file_is_foreseen(tmp_path):
    error = error_of(open, tmp_path / 'folder' / 'file')
    assert foreseen_message(error) == f"[Errno 2] No such file or directory: '{tmp_path}/folder/file'"
    assert foreseen_message(OSError('without a file')) is None


def test_an_error_of_a_data_loader_worker_is_its_message_and_the_worker(tmp_path):
    path = str(tmp_path / 'labels.npz')
    alone = foreseen_message(error_of(read_occ_label, path, 'camera'))
    error = error_of(next, iter(DataLoader(FailingSet(path), num_workers=1)))
    assert foreseen_message(error) == f'{alone} (in DataLoader worker process 0)'
    assert foreseen_message(error_of(next, iter(DataLoader(FailingSet(None), num_workers=1)))) is None


def test_an_error_that_wraps_a_foreseen_one_has_its_message(tmp_path):
    def wrapped():
        try:
            read_occ_label(str(tmp_path / 'x.npz'), None)
        except OSError as error:
            raise RuntimeError('in a registry') from error

    assert foreseen_message(error_of(wrapped)).startswith(str(tmp_path / 'x.npz'))


def test_exit_codes_messages_and_traceback_of_a_tool(tmp_path, capsys):
    def foreseen():
        read_occ_label(str(tmp_path / 'x.npz'), None)

    def interrupted():
        raise KeyboardInterrupt

    seen = []
    assert run_tool(lambda: None, argv=[]) == 0
    assert run_tool(lambda: 3, argv=[]) == 3
    assert run_tool(interrupted, argv=[]) == 130
    assert run_tool(foreseen, on_error=seen.append, argv=[]) == 1
    assert 'error: ' in capsys.readouterr().err
    assert isinstance(seen[0], FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        run_tool(foreseen, argv=['--traceback'])
    with pytest.raises(ZeroDivisionError):
        run_tool(lambda: 1 // 0, argv=[])
