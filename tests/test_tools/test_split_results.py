"""tools/misc/split_results.py: a pickle of predictions becomes files by token, and what does not fit is named."""

import importlib.util
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).resolve().parents[2] / 'tools/misc/split_results.py'
TIMES = {'late': 2.0, 'early': 1.0, 'middle': 1.5}


@pytest.fixture(scope='module')
def main():
    spec = importlib.util.spec_from_file_location('split_results_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def prediction(number):
    ids = np.full((200, 200, 16), 17, np.uint8)
    ids[number] = number
    return ids


@pytest.fixture
def run(main, tmp_path):
    """Writes a pickle and calls the tool; returns its exit code and the files."""
    items = [
        {'token': token, 'timestamp': time, 'ego2global': np.eye(4), 'lidar_points': {}, 'images': {}}
        for token, time in TIMES.items()
    ]
    (tmp_path / 'i.pkl').write_bytes(pickle.dumps({'data_list': items}))

    def call(results):
        (tmp_path / 'r.pkl').write_bytes(pickle.dumps(results))
        code = main([str(tmp_path / 'r.pkl'), '--infos', str(tmp_path / 'i.pkl'), '--out-dir', str(tmp_path / 'out')])
        files = sorted((tmp_path / 'out').glob('*')) if (tmp_path / 'out').exists() else []
        return code, {path.name: np.load(path)['arr_0'] for path in files}

    return call


@pytest.mark.parametrize(
    'entry',
    [lambda ids, _: ids, lambda ids, _: [ids.astype(np.int64)], lambda ids, token: {'pred_occ': ids, 'token': token}],
)
def test_entries_belong_to_the_samples_in_the_order_of_time(run, entry):
    order = ('early', 'middle', 'late')
    code, files = run([entry(prediction(i), token) for i, token in enumerate(order)])
    assert (code, set(files)) == (0, {f'{token}.npz' for token in order})
    for i, token in enumerate(order):
        np.testing.assert_array_equal(files[f'{token}.npz'], prediction(i))


def test_tokens_of_the_entries_win_over_their_order(run):
    order = ('late', 'early', 'middle')
    _, files = run([{'semantics': prediction(i), 'sample_token': token} for i, token in enumerate(order)])
    np.testing.assert_array_equal(files['late.npz'], prediction(0))


@pytest.mark.parametrize(
    ('results', 'message'),
    [
        ([prediction(0)] * 2, 'holds 2 predictions and the info file 3 samples'),
        ({'a': 1, 'b': 2}, 'must hold a list with one prediction a sample, got dict'),
        ([prediction(0), prediction(0), prediction(0)[:100]], r'entry 2 of .*r\.pkl must have shape'),
        ([{'boxes': 3}] * 3, 'entry 0 of .* has none of the arrays'),
        ([{'pred': prediction(0), 'token': 'early'}] * 3, 'entry 1 of .* has the token early, which is there twice'),
        ([{'pred': prediction(0), 'token': 'none'}] * 3, 'entry 0 of .* has the token none, which is not in the info'),
        ([np.where(prediction(1) == 1, 99, 17).astype(np.uint8)] * 3, r'entry 0 of .* holds class ids \[99\]'),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_written(run, capsys, results, message):
    code, files = run(results)
    assert (code, files) == (1, {})
    assert re.search(message, capsys.readouterr().err)


def test_folder_that_holds_something_is_left_alone(run, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    np.savez(tmp_path / 'out/x.npz', prediction(0))
    assert run([prediction(0)] * 3)[0] == 1
    assert 'out is not empty; give a new folder' in capsys.readouterr().err
