"""Restricted loaders: data of NumPy 1 and 2 passes, everything else is refused by name."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from projects.fileio import restricted_load

DATA = {
    'metainfo': OrderedDict(version='v1.0-mini'),
    'data_list': [{'ego2global': np.eye(4), 'num': np.float32(2), 'ids': {1, 2}, 'name': np.str_('a'), 'raw': b'\xff'}],
}


def assert_is_data(loaded):
    assert loaded['metainfo'] == DATA['metainfo']
    np.testing.assert_array_equal(loaded['data_list'][0]['ego2global'], np.eye(4))
    assert loaded['data_list'][0]['ids'] == {1, 2}
    assert loaded['data_list'][0]['raw'] == b'\xff'


@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_containers_and_arrays_are_loaded(tmp_path, protocol):
    path = tmp_path / 'infos.pkl'
    path.write_bytes(pickle.dumps(DATA, protocol))
    assert_is_data(restricted_load(path))
    assert_is_data(restricted_load(path.read_bytes()))


@pytest.mark.parametrize('module', [b'numpy._core.', b'numpy.core.'])
def test_module_paths_of_both_numpy_generations_are_known(module):
    data = pickle.dumps({'a': np.arange(3), 'b': np.float64(2)}, 2)
    other = data.replace(b'cnumpy.core.', b'c' + module).replace(b'cnumpy._core.', b'c' + module)
    loaded = restricted_load(other)
    assert loaded['a'].tolist() == [0, 1, 2]
    assert loaded['b'] == 2


class Command:
    def __reduce__(self):
        return os.system, ('echo hacked > hacked.txt',)


@pytest.mark.parametrize(('value', 'name'), [(Command(), 'system'), (Path('x'), 'Path'), (print, 'builtins.print')])
def test_other_globals_are_refused_by_name(tmp_path, monkeypatch, value, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'bad.pkl'
    path.write_bytes(pickle.dumps({'a': value}))
    with pytest.raises(ValueError, match=rf'bad\.pkl: refused global .*{name}'):
        restricted_load(path)
    assert not (tmp_path / 'hacked.txt').exists()


@pytest.mark.parametrize('content', [b'', b'\x80', b'hello', pickle.dumps(DATA)[:-20]])
def test_truncated_pickle_is_refused_by_name(tmp_path, content):
    path = tmp_path / 'cut.pkl'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'cut\.pkl .*write it again with tools/create_data\.py'):
        restricted_load(path)
    with pytest.raises(FileNotFoundError, match='create_data'):
        restricted_load(tmp_path / 'gone.pkl')
