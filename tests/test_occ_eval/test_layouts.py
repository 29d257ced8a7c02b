"""Predictions as the code bases of the field write them, scored by tools/eval_occ.py and packed for the server."""

import importlib.util
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from occ_oracles import disturb, make_scene, published_histogram

from projects.occ_eval.files import pair_files
from projects.occ_eval.layouts import find_occ_predictions, frames_of_scenes
from projects.occ_eval.submission import check_occ3d, pack_occ3d

TOOL = Path(__file__).resolve().parents[2] / 'tools/eval_occ.py'
TOKENS = ('3e8750f331d7499e9b5123e9eb70f2e2', '0d8c9a0b6e4d4a3c8f2f6f0e6a1b2c3d')
SCENE = 'scene-0103'


@pytest.fixture(scope='module')
def main():
    """The tool's main function, in this process."""
    spec = importlib.util.spec_from_file_location('eval_occ_layouts', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture(scope='module')
def frames():
    """Label, mask and prediction of two frames; the first token of the alphabet is the later frame."""
    rng = np.random.default_rng(0)
    scenes = [make_scene(i) for i in range(2)]
    return [(scene, rng.random(scene.shape) < 0.3, disturb(scene, 7 + i)) for i, scene in enumerate(scenes)]


@pytest.fixture(scope='module')
def root(tmp_path_factory, frames):
    """Labels and an info file."""
    root = tmp_path_factory.mktemp('data')
    items = []
    for time, (token, (label, mask, _)) in enumerate(zip(TOKENS, frames)):
        folder = root / 'gts' / SCENE / token
        folder.mkdir(parents=True)
        np.savez_compressed(folder / 'labels.npz', semantics=label, mask_camera=mask, mask_lidar=mask)
        item = {'timestamp': time, 'ego2global': np.eye(4), 'lidar_points': {}, 'images': {}}
        items.append({'token': token, 'scene_name': SCENE, 'scene_token': 'fcbccedd61424f1b85dcbf8f897f9754', **item})
    (root / 'infos.pkl').write_bytes(pickle.dumps({'metainfo': {}, 'data_list': items[::-1]}))
    (root / 'first.pkl').write_bytes(pickle.dumps({'metainfo': {}, 'data_list': items[:1]}))
    return root


def score(main, root, pred_dir, *options):
    out = pred_dir.parent / f'{pred_dir.name}.json'
    code = main([str(root / 'gts'), str(pred_dir), '--workers', '1', '--json', str(out), *map(str, options)])
    return code, json.loads(out.read_text()) if out.exists() else None


def save(path, **arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def write_flashocc(folder, root, index, token, pred):
    # nuscenes_dataset_occ.py of FlashOcc: gt is the opened file of the label, not an array.
    with np.load(root / 'gts' / SCENE / token / 'labels.npz') as label:
        save(folder / SCENE / token / 'pred.npz', pred=pred, gt=label, sample_token=token)


def write_effocc(folder, root, index, token, pred):
    save(folder / 'fcbccedd61424f1b85dcbf8f897f9754' / token / 'pred.npz', pred=pred, sample_token=token)


def write_sparseocc(folder, root, index, token, pred):
    save(folder / f'{token}.npz', pred=pred.astype(np.int64))


def write_server(folder, root, index, token, pred):
    save(folder / f'{token}.npz', arr_0=pred)


def write_batch_axis(folder, root, index, token, pred):
    save(folder / SCENE / f'{token}.npz', semantics=pred[None].astype(np.uint16))


def write_challenge(folder, root, index, token, pred):
    save(folder / f'{index:04d}.npz', pred=pred.astype(np.int32), gt=np.array(['semantics']), sample_token=token)


def write_renderocc(folder, root, index, token, pred):
    (folder / SCENE).mkdir(parents=True, exist_ok=True)
    np.save(folder / SCENE / f'{index:03d}.npy', [pred])
    (folder / SCENE / f'{index:03d}.png').write_bytes(b'the images')


def write_other_name(folder, root, index, token, pred):
    save(folder / token / 'occupancy.npz', pred=np.asfortranarray(pred))


def write_beside_labels(folder, root, index, token, pred):
    save(folder / SCENE / token / 'labels.npz', semantics=np.full_like(pred, 17))
    save(folder / SCENE / token / 'pred.npz', pred=pred)


WRITERS = [
    write_flashocc,
    write_effocc,
    write_sparseocc,
    write_server,
    write_batch_axis,
    write_challenge,
    write_renderocc,
    write_other_name,
    write_beside_labels,
]


@pytest.mark.parametrize('write', WRITERS)
def test_each_layout_gives_the_score_of_the_arrays_in_memory(tmp_path, main, root, frames, write):
    for index, (token, (_, _, pred)) in enumerate(zip(TOKENS, frames)):
        write(tmp_path / 'pred', root, index, token, pred)
    code, report = score(main, root, tmp_path / 'pred', '--infos', root / 'infos.pkl')
    assert (code, report['frames'], report['errors'], report['warnings']) == (0, 2, [], [])
    expected = sum(published_histogram(pred, label, mask) for label, mask, pred in frames)
    assert report['confusion'] == expected.tolist()


@pytest.mark.parametrize('write', [write_flashocc, write_sparseocc, write_challenge, write_renderocc])
def test_what_is_packed_of_any_layout_is_what_the_server_reads(tmp_path, root, frames, write):
    for index, (token, (_, _, pred)) in enumerate(zip(TOKENS, frames)):
        write(tmp_path / 'pred', root, index, token, pred)
    assert pack_occ3d(tmp_path / 'pred', TOKENS, tmp_path / 'z.zip', {SCENE: list(TOKENS)}) == []
    assert check_occ3d(tmp_path / 'z.zip', TOKENS) == []


def test_predictions_of_other_tokens_are_one_warning(tmp_path, main, root, frames, capsys):
    for name in (*TOKENS, *'abcdefg'):
        save(tmp_path / f'pred/{name}.npz', arr_0=frames[0][2])
    code, report = score(main, root, tmp_path / 'pred', '--infos', root / 'first.pkl')
    assert (code, report['frames'], report['errors']) == (0, 1, [])
    (warning,) = report['warnings']
    assert warning.startswith('8 predictions are left out')
    assert warning.endswith(f'first.pkl): {TOKENS[1]}, a, b, c, d and 3 more')
    assert f'warning: {warning}' in capsys.readouterr().err
    code, report = score(main, root, tmp_path / 'pred')
    assert (code, report['frames'], len(report['warnings'])) == (0, 2, 1)
    assert report['warnings'][0].startswith('7 predictions are left out')


def test_an_unknown_layout_says_what_is_known_and_what_is_there(tmp_path, main, root, frames, capsys):
    write_renderocc(tmp_path / 'pred', root, 0, TOKENS[0], frames[0][2])
    assert score(main, root, tmp_path / 'pred')[0] == 2
    message = capsys.readouterr().err
    assert 'holds no prediction of the 2 tokens that are evaluated' in message
    assert '<scene>/<number>.npy, numbers as the frames of a whole scene in --infos (RenderOcc' in message
    assert '<folder>/<token>/pred.npz (FlashOcc' in message
    assert f'Found: 1 .npz and .npy files, for instance {SCENE}/000.npy' in message
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'empty/predictions.pkl').write_bytes(b'')
    with pytest.raises(ValueError, match=r'Found: 0 .* for instance predictions\.pkl'):
        find_occ_predictions(tmp_path / 'empty', TOKENS)


def test_frame_numbers_that_are_not_those_of_the_scene_are_refused(tmp_path, main, root, frames, capsys):
    write_renderocc(tmp_path / 'pred', root, 1, TOKENS[1], frames[1][2])
    assert score(main, root, tmp_path / 'pred', '--infos', root / 'infos.pkl')[0] == 2
    assert 'holds 1 files numbered 1..1, but the info file has 2 frames of that scene' in capsys.readouterr().err
    write_renderocc(tmp_path / 'pred', root, 0, TOKENS[0], frames[0][2])
    assert score(main, root, tmp_path / 'pred', '--infos', root / 'first.pkl')[0] == 2
    assert 'holds 2 files numbered 0..1, but the info file has 1 frames' in capsys.readouterr().err


def test_scenes_are_in_the_order_of_time():
    items = [{'token': token, 'timestamp': time, 'scene_name': 's'} for token, time in (('b', 2), ('a', 1), ('c', 3))]
    items.append({'token': 'x', 'timestamp': 0, 'scene_name': 't', 'scene_token': 'u'})
    assert frames_of_scenes(items) == {'s': ['a', 'b', 'c'], 't': ['x'], 'u': ['x']}


def test_labels_given_as_predictions_are_refused(tmp_path, main, root):
    out = tmp_path / 'out.json'
    assert main([str(root / 'gts'), str(root / 'gts'), '--workers', '1', '--json', str(out)]) == 1
    report = json.loads(out.read_text())
    assert (report['frames'], len(report['errors'])) == (0, 2)
    assert 'is the label itself' in report['errors'][0]['error']


def test_two_predictions_in_the_folder_of_a_token_are_an_error(tmp_path, frames):
    for name in ('pred', 'semantics'):
        save(tmp_path / 'pred' / TOKENS[0] / f'{name}.npz', pred=frames[0][2])
    problems = find_occ_predictions(tmp_path / 'pred', TOKENS).problems
    assert [problem['token'] for problem in problems] == [TOKENS[0]]
    assert 'are for one token' in problems[0]['error']


def test_a_pair_of_files_takes_two_looks_at_the_disk(tmp_path, monkeypatch):
    """Real paths of both took one for each folder on the way: 100,000 for the validation set of nuScenes."""
    labels = {token: str(tmp_path / f'{token}.npz') for token in 'abcde'}
    predictions = {token: str(tmp_path / f'pred_{token}.npz') for token in 'abcde'}
    for path in (*labels.values(), *predictions.values()):
        Path(path).touch()
    Path(predictions['d']).unlink()
    Path(predictions['d']).symlink_to(labels['d'])
    calls, stat, lstat = [], os.stat, os.lstat
    monkeypatch.setattr(os, 'stat', lambda *args, **kwargs: calls.append(args) or stat(*args, **kwargs))
    monkeypatch.setattr(os, 'lstat', lambda *args, **kwargs: calls.append(args) or lstat(*args, **kwargs))
    frames, problems, _ = pair_files(labels, predictions, None)
    monkeypatch.undo()
    assert len(calls) == 10
    assert [frame.token for frame in frames] == ['a', 'b', 'c', 'e']
    assert 'is the label itself' in problems[0]['error']
