"""Restricted loaders: data of NumPy 1 and 2 passes, everything else is refused by name and before it takes memory."""

import gc
import os
import pickle
import resource
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from projects.fileio import compact_copy, restricted_load

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


def global_(module, name):
    return b'c' + f'{module}\n{name}\n'.encode()


def call(module, name, *args):
    """Opcodes that call a global with values that have opcodes of their own."""
    return global_(module, name) + b'(' + b''.join(pickle.dumps(arg, 2)[2:-1] for arg in args) + b'tR'


HUGE = 60 << 30
BOMBS = {
    'set of a range': global_('builtins', 'set') + b'(' + call('builtins', 'range', 10**11) + b'tR',
    'range': call('builtins', 'range', 10**11),
    'bytearray of a number': call('builtins', 'bytearray', HUGE),
    'ndarray': call('numpy', 'ndarray', (HUGE,), 'u1'),
    'reconstructed array': global_('numpy.core.multiarray', '_reconstruct')
    + b'('
    + global_('numpy', 'ndarray')
    + pickle.dumps((HUGE,), 2)[2:-1]
    + b'C\x01btR',
    'other codec': call('_codecs', 'encode', 'x', 'zip'),
    'unknown codec': call('_codecs', 'encode', 'x', 'no_such'),
    'dtype of objects': call('numpy', 'dtype', 'O'),
    'dtype of records': call('numpy', 'dtype', 'u1,O'),
    'state of a function': global_('builtins', 'set') + b'}' + b'b',
    'bytes that are not there': b'\x8e' + HUGE.to_bytes(8, 'little'),
    'bytearray that is not there': b'\x96' + HUGE.to_bytes(8, 'little'),
}


@pytest.mark.parametrize('name', BOMBS)
def test_a_pickle_of_100_bytes_gets_no_gigabytes(tmp_path, name):
    path = tmp_path / 'infos.pkl'
    path.write_bytes(b'\x80\x05' + BOMBS[name] + b'.')
    assert path.stat().st_size < 150
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r'infos\.pkl'):
        restricted_load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='the memory of a process is fenced on Linux')
def test_a_memo_index_that_needs_gigabytes_is_refused(run_python):
    """In a process of its own: the fence needs that no other Python thread runs, and workers of pytest have one."""
    code = """
import resource
from projects.fileio import restricted_load
limits = resource.getrlimit(resource.RLIMIT_AS)
try:
    restricted_load(b'\\x80\\x04]r' + (1 << 30).to_bytes(4, 'little') + b'.')
except ValueError as error:
    print(error, resource.getrlimit(resource.RLIMIT_AS) == limits)
"""
    result = run_python('-c', code)
    assert 'asks for more memory than its 9 bytes can need' in result.stdout
    assert result.stdout.strip().endswith('True')


@pytest.mark.parametrize('kind', ['f8', 'S8', 'U2'])
@pytest.mark.parametrize(
    'fields', [(None, ('a',), {'a': (np.dtype('f8'), 10**6)}), ((np.dtype('f8'), (1000,)), None, None)]
)
def test_array_types_cannot_be_changed_to_read_outside_of_their_array(kind, fields):
    state = (3, '<', *fields, 8, 1, 0)
    built = call('numpy', 'dtype', kind, False, True) + pickle.dumps(state, 2)[2:-1] + b'b'
    by_pickle = pickle.loads(b'\x80\x02' + built + b'.')
    assert by_pickle.names or by_pickle.subdtype, 'pickle itself has made a type that reads outside'
    with pytest.raises(ValueError, match='refused an array of dtype'):
        restricted_load(b'\x80\x02' + built + b'.')


def laughing(depth):
    value = ['ha']
    for _ in range(depth):
        value = [value, value]
    return value


def test_lists_that_unfold_without_end_are_refused_at_once():
    assert restricted_load(pickle.dumps({'data_list': laughing(10)}))['data_list'][0]
    with pytest.raises(ValueError, match=r'unfolds to more than \d+ values'):
        restricted_load(pickle.dumps({'data_list': laughing(60)}))


def test_data_that_holds_itself_or_is_nested_deeply_is_refused():
    loop = []
    loop.append({'again': loop})
    with pytest.raises(ValueError, match='more than 100 lists or dicts inside each other, or one that holds itself'):
        restricted_load(pickle.dumps({'data_list': loop}))
    with pytest.raises(ValueError, match='inside each other'):
        restricted_load(b'\x80\x04' + b']' * 5000 + b'a' * 4999 + b'.')


def test_the_user_can_raise_the_limits(monkeypatch):
    data = pickle.dumps(laughing(20))
    with pytest.raises(ValueError, match='GEODISTILL_LIMITS=2'):
        restricted_load(data)
    monkeypatch.setenv('GEODISTILL_LIMITS', '4')
    assert len(restricted_load(data)) == 2
    monkeypatch.setenv('GEODISTILL_LIMITS', 'lots')
    with pytest.raises(ValueError, match=r"GEODISTILL_LIMITS must be a number of 1 or more, got 'lots'"):
        restricted_load(data)


def test_numbers_text_and_byte_orders_come_back_as_they_were():
    values = [np.arange(3, dtype='>i4'), np.asfortranarray(np.ones((2, 3))), np.array(['abc', 'd']), np.zeros((0, 4))]
    others = [3 + 4j, slice(1, 2), range(5), frozenset([1]), bytearray(b'xx'), np.bool_(True), np.str_('x')]
    for protocol in range(2, 6):
        loaded, rest = restricted_load(pickle.dumps((values, others), protocol))
        assert rest == others
        for array, expected in zip(loaded, values):
            np.testing.assert_array_equal(array, expected)
            assert type(array) is np.ndarray


def test_the_garbage_collector_goes_on_after_a_file_that_is_refused():
    assert gc.isenabled()
    with pytest.raises(ValueError, match='corrupt'):
        restricted_load(b'\x80\x04')
    assert gc.isenabled()


def test_what_is_kept_of_something_large_shares_no_object_with_it():
    """A string of each item, left where it was, would hold all the memory of the items, which lies around it."""
    items = [{'token': f't{i}', 'pose': [float(i)]} for i in range(5)]
    kept = compact_copy(lambda: {item['token']: item['pose'] for item in items})
    assert kept == {f't{i}': [float(i)] for i in range(5)}
    assert not {id(part) for pair in kept.items() for part in pair} & {id(v) for item in items for v in item.values()}
