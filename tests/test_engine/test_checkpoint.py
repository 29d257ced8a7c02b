"""Checkpoints: plain data, atomic writing, clear refusals."""

import pickle
from collections import OrderedDict, deque
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from projects.engine import (
    CheckpointError,
    SafeRunner,
    atomic_write,
    load_checkpoint_safe,
    save_checkpoint_atomic,
    to_plain,
)


@pytest.fixture
def saved(toys, tmp_path):
    path = tmp_path / 'net.pth'
    save_checkpoint_atomic({'meta': {}, 'state_dict': toys.ToyNet().state_dict()}, path)
    return path


def test_plain_data_loads_with_weights_only(tmp_path):
    state = {
        'scalar': np.float64(1.5),
        'flag': np.bool_(True),
        'array': np.arange(3),
        'names': ('a', np.str_('b')),
        'queue': deque([1, 2]),
        'set': {4},
        'path': Path('x'),
        'order': OrderedDict(a=1),
        'log': HistoryBuffer([1, 2.5], [1, 3], 10),
    }
    torch.save({'state_dict': {}, 'hub': to_plain(state)}, tmp_path / 'c.pth')
    hub = load_checkpoint_safe(tmp_path / 'c.pth')['hub']
    assert hub['log'].data[0].tolist() == [1.0, 2.5]
    assert hub['log'].data[1].tolist() == [1, 3]
    assert hub['log'].max_length == 10
    del hub['log']
    assert hub == {
        'scalar': 1.5,
        'flag': True,
        'array': [0, 1, 2],
        'names': ('a', 'b'),
        'queue': [1, 2],
        'set': [4],
        'path': 'x',
        'order': {'a': 1},
    }
    assert type(hub['scalar']) is float
    assert type(hub['names'][1]) is str


def test_an_object_that_is_no_data_is_named():
    with pytest.raises(TypeError, match=r'hub\.a\[1\] is a object'):
        to_plain({'a': [0, object()]}, 'hub')


def test_checkpoint_of_plain_mmengine_loads(tmp_path):
    hub = {'log_scalars': {'loss': HistoryBuffer([1.0], [1])}, 'runtime_info': {'best': np.float64(3)}}
    torch.save({'meta': {}, 'state_dict': {'w': torch.zeros(1)}, 'message_hub': hub}, tmp_path / 'mm.pth')
    loaded = load_checkpoint_safe(tmp_path / 'mm.pth')
    assert loaded['message_hub']['log_scalars']['loss'].data[0].tolist() == [1.0]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'a.txt'
    with atomic_write(path, 'w') as file:
        file.write('old')
    with pytest.raises(TypeError), atomic_write(path, 'w') as file:
        file.write('half' + 1)
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match='mode'), atomic_write(path, 'a'):
        pass


@pytest.mark.parametrize('cut', [0, 3, 100, -500])
def test_truncated_file_is_refused_by_name(saved, cut):
    data = saved.read_bytes()
    saved.write_bytes(data[:cut])
    with pytest.raises(CheckpointError, match=r'net\.pth is truncated'):
        load_checkpoint_safe(saved)


def test_missing_file_and_other_files_are_refused(saved, tmp_path):
    with pytest.raises(FileNotFoundError, match='gone'):
        load_checkpoint_safe(tmp_path / 'gone.pth')
    with pytest.raises(CheckpointError, match='download it'):
        load_checkpoint_safe('torchvision://resnet50')
    torch.save([1, 2], saved)
    with pytest.raises(CheckpointError, match='found list'):
        load_checkpoint_safe(saved)
    torch.save({'a': 1}, saved)
    with pytest.raises(CheckpointError, match=r"found \['a'\]"):
        load_checkpoint_safe(saved)
    saved.write_bytes(pickle.dumps({'state_dict': {}}, 5) + b'x')
    with pytest.raises(CheckpointError, match='truncated, corrupt'):
        load_checkpoint_safe(saved)


class Evil:
    def __reduce__(self):
        return print, ('code ran',)


def test_code_in_a_checkpoint_is_refused_and_not_run(saved, capsys):
    torch.save({'state_dict': {}, 'meta': Evil()}, saved)
    with pytest.raises(CheckpointError, match='could run code'):
        load_checkpoint_safe(saved)
    assert 'code ran' not in capsys.readouterr().out


def test_flat_state_dict_becomes_a_checkpoint(toys, saved):
    torch.save(toys.ToyNet().state_dict(), saved)
    assert 'head.weight' in load_checkpoint_safe(saved)['state_dict']


def test_runner_refuses_to_test_or_train_from_another_model(toys, tmp_path):
    path = tmp_path / 'other.pth'
    save_checkpoint_atomic({'meta': {}, 'state_dict': {'a': torch.zeros(2)}}, path)
    for run in ('test', 'train'):
        runner = SafeRunner.from_cfg(Config(toys.toy_config(tmp_path / run, load_from=str(path))))
        with pytest.raises(CheckpointError, match='does not fit ToyNet'):
            getattr(runner, run)()


def test_runner_refuses_remote_storage(toys, tmp_path):
    runner = SafeRunner.from_cfg(Config(toys.toy_config(tmp_path)))
    with pytest.raises(ValueError, match='local directories only'):
        runner.save_checkpoint('s3://bucket', 'a.pth')


def test_old_checkpoint_is_deleted_after_the_new_one_is_whole(toys, tmp_path, monkeypatch):
    cfg = toys.toy_config(tmp_path, epochs=2)
    cfg['default_hooks']['checkpoint'] = {'type': 'SafeCheckpointHook', 'interval': 1, 'max_keep_ckpts': 1}
    runner = SafeRunner.from_cfg(Config(cfg))
    seen = []
    monkeypatch.setattr(
        'projects.engine.runner.save_checkpoint_atomic',
        lambda checkpoint, path: (seen.append({p.name for p in tmp_path.glob('*.pth')}), torch.save(checkpoint, path)),
    )
    runner.train()
    assert seen == [set(), {'epoch_1.pth'}]
    assert {p.name for p in tmp_path.glob('*.pth')} == {'epoch_2.pth'}
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_2.pth')
