"""Checkpoints: plain data, atomic writing, clear refusals."""

import errno
import pickle
import struct
import urllib.error
import zipfile
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


def rewrite(path, change, method=zipfile.ZIP_STORED):
    """Write the parts of a checkpoint again; ``change`` gets name and content."""
    with zipfile.ZipFile(path) as archive:
        parts = [(name, change(name, archive.read(name))) for name in archive.namelist()]
    with zipfile.ZipFile(path, 'w', method) as archive:
        for name, content in parts:
            archive.writestr(name, content)


def test_a_flipped_bit_in_any_part_is_noticed(saved):
    whole = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        infos = [info for info in archive.infolist() if info.file_size]
    assert sum('/data/' in info.filename for info in infos) >= 3
    for info in infos:
        lengths = struct.unpack_from('<HH', whole, info.header_offset + 26)
        broken = bytearray(whole)
        broken[info.header_offset + 30 + sum(lengths) + info.file_size // 2] ^= 1
        saved.write_bytes(broken)
        with pytest.raises(CheckpointError, match=r"net\.pth is damaged: its part '.*' does not have the checksum"):
            load_checkpoint_safe(saved)
    saved.write_bytes(whole)
    assert load_checkpoint_safe(saved)['state_dict']


def test_parts_that_are_compressed_or_overlap_are_refused(saved):
    rewrite(saved, lambda name, content: content, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match=r"net\.pth: its part '.*' is compressed or encrypted"):
        load_checkpoint_safe(saved)


def test_checkpoints_of_old_torch_without_an_archive_are_read(toys, tmp_path):
    state = toys.ToyNet().state_dict()
    torch.save({'state_dict': state}, tmp_path / 'old.pth', _use_new_zipfile_serialization=False)
    loaded = load_checkpoint_safe(tmp_path / 'old.pth')['state_dict']
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def shared_dicts(depth):
    value = {'x': 1}
    for _ in range(depth):
        value = {'a': value, 'b': value}
    return value


def own_dict():
    value = {}
    value['again'] = value
    return value


WIDE = torch.zeros(1).expand(15 << 30)
HISTORY = {'__history_buffer__': True, 'logs': torch.ones(2), 'counts': torch.ones(2), 'max_length': 5}


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'meta': shared_dicts(48)}, r'unfolds to more than \d+ values'),
        ({'meta': own_dict()}, 'inside each other, or one that holds itself'),
        ({'state_dict': {'w': WIDE}}, r'4 bytes of tensors that stand for 64424509440 bytes'),
        ({'hub': {**HISTORY, 'logs': WIDE, 'counts': WIDE}}, 'stand for'),
        ({'state_dict': {f'w{i}': torch.zeros(1).expand(1 << 22) for i in range(80)}}, 'stand for'),
        ({'state_dict': {'w': torch.sparse_coo_tensor([[0]], [1.0], (10**9,))}}, 'sparse tensor'),
        ({'hub': {'__history_buffer__': True}}, 'history of losses that is not two lists'),
        ({'hub': {**HISTORY, 'logs': 'a'}}, 'history of losses'),
        ({'hub': {**HISTORY, 'counts': torch.ones(3)}}, 'of one length'),
        ({'hub': {**HISTORY, 'max_length': 1}}, 'history of 2 losses with the length 1'),
        ({'meta': None}, "'meta' must be a dict, got NoneType"),
        ({'meta': [1]}, "'meta' must be a dict, got list"),
        ({'state_dict': {0: torch.ones(1)}}, "names in 'state_dict' must be text, got 0"),
    ],
)
def test_content_that_could_hang_or_eat_the_machine_is_refused_by_name(saved, content, message):
    torch.save({'state_dict': {}, 'meta': {}, **content}, saved)
    with pytest.raises(CheckpointError, match=rf'net\.pth.*{message}'):
        load_checkpoint_safe(saved)


def test_shared_and_expanded_weights_of_honest_size_are_loaded(saved):
    weight = torch.randn(4, 4)
    torch.save({'state_dict': {'a': weight, 'b': weight, 'c': torch.ones(1).expand(1000)}}, saved)
    state = load_checkpoint_safe(saved)['state_dict']
    assert torch.equal(state['a'], weight)
    assert state['c'].sum() == 1000


def array_of(shape, dtype='f8', content=b''):
    class Array:
        def __reduce__(self):
            reconstruct = np.zeros(1).__reduce__()[0]
            return reconstruct, (np.ndarray, shape, b'b'), (1, (len(content) // 8,), np.dtype(dtype), False, content)

    return Array()


def test_arrays_of_an_mmengine_checkpoint_have_the_size_of_their_content(saved):
    torch.save({'state_dict': {}, 'x': array_of((0,), content=np.arange(3.0).tobytes())}, saved)
    assert load_checkpoint_safe(saved)['x'].tolist() == [0, 1, 2]
    torch.save({'state_dict': {}, 'x': array_of((60 << 30,))}, saved)
    with pytest.raises(CheckpointError, match='Unsupported array of shape'):
        load_checkpoint_safe(saved)


def test_a_downloaded_checkpoint_is_checked_as_a_local_one(saved, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'home'))
    monkeypatch.setattr('torch.hub.download_url_to_file', lambda url, path: Path(path).write_bytes(saved.read_bytes()))
    assert load_checkpoint_safe('https://example.org/a/net-1.pth?x=1')['meta'] == {}
    kept = tmp_path / 'home/hub/checkpoints/net-1.pth'
    rewrite(kept, lambda name, content: content, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match='is compressed'):
        load_checkpoint_safe('https://example.org/a/net-1.pth')
    with pytest.raises(CheckpointError, match='cannot be a file name'):
        load_checkpoint_safe('https://example.org/..')


def test_a_damaged_download_is_named_where_it_lies_and_a_failed_one_by_its_address(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr('torch.hub.download_url_to_file', lambda url, path: Path(path).write_bytes(b'half'))
    kept = tmp_path / 'hub/checkpoints/net.pth'
    with pytest.raises(
        CheckpointError, match=rf'{kept} is truncated.*delete it: it comes from https://example\.org/net'
    ):
        load_checkpoint_safe('https://example.org/net.pth')

    def fail(url, path):
        raise urllib.error.URLError('no network')

    monkeypatch.setattr('torch.hub.download_url_to_file', fail)
    with pytest.raises(CheckpointError, match=r'https://example\.org/b\.pth cannot be downloaded .*no network'):
        load_checkpoint_safe('https://example.org/b.pth')


def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged(saved, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(errno.EACCES, 'Permission denied', path)

    monkeypatch.setattr('projects.engine.checkpoint.open', refuse, raising=False)
    with pytest.raises(CheckpointError, match=r'net\.pth cannot be read \(Permission denied\); it may be whole'):
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
