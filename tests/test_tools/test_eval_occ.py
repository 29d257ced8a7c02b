"""tools/eval_occ.py from the outside: numbers, every kind of bad file, resuming, and what it imports."""

import importlib.util
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from occ_oracles import disturb, make_scene, published_counts, published_fscore, published_histogram

from projects.occ_eval.files import read_occ_prediction

TOOL = Path(__file__).resolve().parents[2] / 'tools/eval_occ.py'
ORIGINS = [[0.9, 0.0, 1.8]]
TOKENS = ('aa', 'bb', 'cc', 'dd')


def run(*args, **env):
    command = [sys.executable, str(TOOL), *map(str, args)]
    environment = {**os.environ, 'PYTHONPATH': str(TOOL.parents[1]), 'OMP_NUM_THREADS': '1', **env}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


@pytest.fixture(scope='module')
def main():
    """The tool's main function, in this process."""
    spec = importlib.util.spec_from_file_location('eval_occ_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture(scope='module')
def frames():
    """Label, masks and prediction by token."""
    data = {}
    for i, token in enumerate(TOKENS):
        rng, scene = np.random.default_rng(i), make_scene(i)
        masks = {f'mask_{name}': (rng.random(scene.shape) < 0.3).astype(np.uint8) for name in ('camera', 'lidar')}
        data[token] = ({'semantics': scene, **masks}, disturb(scene, 10 + i))
    return data


@pytest.fixture
def folders(tmp_path, frames):
    """A folder of labels and one of predictions, in both layouts and with all three keys."""
    for i, (token, (label, pred)) in enumerate(frames.items()):
        folder = tmp_path / f'gts/scene-{i // 2}/{token}'
        folder.mkdir(parents=True)
        np.savez_compressed(folder / 'labels.npz', **label)
        path = tmp_path / 'pred' / (f'{token}.npz' if i % 2 else f'scene-{i // 2}/{token}.npz')
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **{('arr_0', 'pred', 'semantics', 'arr_0')[i]: pred})
    (tmp_path / 'origins.json').write_text(json.dumps(dict.fromkeys(TOKENS, ORIGINS)))
    return tmp_path


def arguments(root, *options):
    return [
        str(root / 'gts'),
        str(root / 'pred'),
        '--workers',
        '1',
        '--json',
        str(root / 'out.json'),
        *map(str, options),
    ]


def report(root):
    return json.loads((root / 'out.json').read_text())


def errors_of(root):
    return {error['token']: error['error'] for error in report(root)['errors']}


def test_prediction_of_class_0_everywhere_is_refused_as_that_of_a_model_with_nan_weights(folders, main):
    np.savez_compressed(folders / 'pred/bb.npz', np.zeros((200, 200, 16), np.uint8))
    assert main(arguments(folders)) == 1
    assert report(folders)['frames'] == 3
    assert re.search(r'bb\.npz is class 0 everywhere, .* weights of the model that are NaN', errors_of(folders)['bb'])


def test_token_with_labels_in_two_scenes_is_refused(folders, main, capsys):
    shutil.copytree(folders / 'gts/scene-0/aa', folders / 'gts/scene-1/aa')
    assert main(arguments(folders)) == 2
    assert re.search(r'scene-0/aa/labels\.npz and .*scene-1/aa/labels\.npz are labels of one', capsys.readouterr().err)


def test_info_file_with_a_token_twice_or_a_pose_that_is_none_is_refused(folders, main, capsys):
    items = [
        {
            'token': token,
            'timestamp': float(i),
            'scene_token': 's',
            'ego2global': np.eye(4),
            'lidar_points': {'lidar2ego': np.eye(4)},
            'images': {},
        }
        for i, token in enumerate(TOKENS)
    ]
    options = ('--metrics', 'rayiou', '--infos', folders / 'i.pkl')
    for change, message in (
        (lambda: items.append(items[1]), r'i\.pkl holds the token bb twice \(items 1 and 4\)'),
        (
            lambda: items.pop() and items[2].update(ego2global=np.diag([2.0, 2, 2, 1])),
            r'ego2global of sample cc in .*i\.pkl',
        ),
    ):
        change()
        (folders / 'i.pkl').write_bytes(pickle.dumps({'data_list': items}))
        assert main(arguments(folders, *options)) == 2
        assert re.search(message, capsys.readouterr().err)


def test_numbers_are_those_of_the_published_evaluators(folders, frames, main):
    import numba
    from occ_oracles import cast_ray

    from projects.occ_eval import lidar_rays

    options = ['--metrics', 'miou', 'fscore', 'rayiou', '--origins', folders / 'origins.json', '--f-official']
    assert main(arguments(folders, *options)) == 0
    result = report(folders)
    hist, counts, scores = 0, 0, []
    for label, pred in frames.values():
        mask, target = label['mask_camera'].astype(bool), label['semantics']
        hist = hist + published_histogram(pred, target, mask)
        counts = counts + published_counts(pred, target, lidar_rays(), np.array(ORIGINS), numba.njit(cast_ray))
        scores.append(published_fscore(pred, target, mask, 0.4))
    iou = np.diag(hist) / (hist.sum(0) + hist.sum(1) - np.diag(hist))
    ray = counts[:3] / (counts[3] + counts[4] - counts[:3])
    assert result['confusion'] == hist.tolist()
    assert result['miou']['mean'] == pytest.approx(100 * np.nanmean(iou[:17]), abs=1e-9)
    assert result['miou']['per_class']['car'] == pytest.approx(100 * iou[4], abs=1e-9)
    assert len(result['miou']['per_class']) == 17
    assert result['iou'] == pytest.approx(100 * hist[:17, :17].sum() / (hist.sum() - hist[17, 17]), abs=1e-9)
    assert result['fscore']['mean'] == pytest.approx(100 * np.mean(scores), abs=1e-9)
    assert result['rayiou']['mean'] == pytest.approx(100 * np.nanmean(ray), abs=1e-9)
    assert [result['rayiou'][key] for key in '124'] == pytest.approx(100 * np.nanmean(ray, 1), abs=1e-9)
    assert result['rayiou']['per_class']['manmade'] == pytest.approx(100 * ray[:, 15].mean(), abs=1e-9)
    assert (result['frames'], result['errors']) == (4, [])
    assert (folders / 'out.png').read_bytes()[:4] == b'\x89PNG'
    assert not (folders / 'out.json.parts').exists()


@pytest.mark.parametrize('mask', ['lidar', 'none'])
def test_masks_choose_the_voxels(folders, frames, main, mask):
    assert main(arguments(folders, '--mask', mask)) == 0
    everything = np.ones((200, 200, 16), bool)
    masks = [label['mask_lidar'].astype(bool) if mask == 'lidar' else everything for label, _ in frames.values()]
    pairs = [(pred, label['semantics'], m) for (label, pred), m in zip(frames.values(), masks)]
    assert report(folders)['confusion'] == sum(published_histogram(*pair) for pair in pairs).tolist()


def test_absent_classes_are_null_and_the_policy_decides(folders, frames, main):
    for path in (folders / 'gts').glob('*/*/labels.npz'):
        label, pred = frames[path.parent.name]
        semantics = np.where(label['semantics'] == 9, 10, label['semantics'])
        semantics[semantics == 8] = 10
        np.savez_compressed(path, **{**label, 'semantics': semantics})
        for old in (folders / 'pred').rglob(f'{path.parent.name}.npz'):
            np.savez_compressed(old, np.where(pred == 9, 10, pred))
    assert main(arguments(folders)) == 0
    both = report(folders)['miou']
    assert both['per_class']['trailer'] is None
    assert both['per_class']['traffic_cone'] == 0
    assert main(arguments(folders, '--nan-policy', 'label')) == 0
    label_only = report(folders)['miou']
    assert label_only['per_class']['traffic_cone'] is None
    assert label_only['mean'] == pytest.approx(both['mean'] * 16 / 15)


def damage(root, frames):
    """Every kind of bad file, by token; returns what its error must say."""
    label, pred = frames['aa']
    expected = {}

    def add(token, message, array=None, content=None, **arrays):
        folder = root / f'gts/scene-9/{token}'
        folder.mkdir(parents=True)
        np.savez_compressed(folder / 'labels.npz', **label)
        expected[token] = message
        path = root / f'pred/{token}.npz'
        if content is not None:
            path.write_bytes(content)
        elif array is not None or arrays:
            np.savez_compressed(path, *([array] if array is not None else []), **arrays)

    whole = next((root / 'pred').rglob('aa.npz')).read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x55
    openocc = np.where(pred == 17, 16, np.minimum(pred, 15))
    add('corrupt', 'corrupt', content=bytes(flipped))
    add('truncated', 'truncated, corrupt or not an .npz', content=whole[: len(whole) // 2])
    add('empty', 'truncated, corrupt or not an .npz', content=b'')
    add('missing', 'no prediction for this token')
    add('shape', r'must have shape (200, 200, 16), got (16, 200, 200)', pred.transpose(2, 0, 1))
    add('wide', 'holds 0..300, which are no class ids', np.where(pred == 4, 300, pred.astype(np.int16)))
    add('negative', 'holds -1..17, which are no class ids', np.where(pred == 4, -1, pred.astype(np.int64)))
    add('floats', 'must hold integers, got float32', pred.astype(np.float32))
    add('bools', 'must hold integers, got bool', pred != 17)
    add('batch', 'must have shape (200, 200, 16), got (2, 200, 200, 16)', np.stack([pred, pred]))
    add('unlabelled', 'holds class ids [255], expected 0..17', np.where(pred == 4, 255, pred).astype(np.uint8))
    add('npy', 'is truncated, corrupt or not an .npz file')
    np.save(root / 'pred/npy.npy', pred)
    (root / 'pred/npy.npy').rename(root / 'pred/npy.npz')
    add('range', 'holds class ids [200]', np.where(pred == 4, 200, pred).astype(np.uint8))
    add('openocc', 'classes of OpenOcc', openocc.astype(np.uint8))
    add('pickled', 'holds Python objects', np.array([{'a': 1}], object))
    add('keys', 'has no array one of', voxels=pred)
    np.savez_compressed(root / 'pred/scene-1/bb.npz', pred)
    expected['bb'] = 'are for one token'
    (root / 'gts/scene-9/range/labels.npz').write_bytes(b'PK not a label')
    expected['range'] = 'labels.npz is truncated'
    return expected


def test_bad_files_are_all_named_and_none_ends_the_run(folders, frames, main, capsys):
    expected = damage(folders, frames)
    assert main(arguments(folders)) == 1
    found = errors_of(folders)
    assert set(found) == set(expected)
    for token, message in expected.items():
        assert message in found[token], token
    assert report(folders)['frames'] == 4
    assert 'corrupt: ' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda pred: pred.transpose(2, 0, 1), r'turn the axes to x \(forward\), y \(left\), z \(up\)'),
        (lambda pred: np.stack([pred] * 18, -1), 'scores of classes, or several frames'),
        (lambda pred: pred.reshape(-1), 'reshape it, if its order is x, y, z'),
        (lambda pred: np.argwhere(pred != 17), 'places of voxels'),
        (lambda pred: pred.astype(np.float32), 'write the ids of the classes as uint8'),
    ],
)
def test_array_of_another_kind_is_refused_with_what_to_do_about_it(tmp_path, frames, change, message):
    np.savez_compressed(tmp_path / 'p.npz', pred=change(frames['aa'][1]))
    with pytest.raises(ValueError, match=message):
        read_occ_prediction(str(tmp_path / 'p.npz'))


def test_root_of_the_data_set_in_place_of_its_labels_is_refused_with_the_folder_that_has_them(folders, main, capsys):
    for place in ('samples', 'sweeps'):
        (folders / place / 'LIDAR_TOP').mkdir(parents=True)
    assert main([str(folders), str(folders / 'pred')]) == 2
    assert f'give the folder gts of Occ3D-nuScenes, {folders}/gts perhaps' in capsys.readouterr().err


def test_report_that_cannot_be_written_stops_the_tool_before_it_scores(folders, main, capsys):
    (folders / 'file').write_text('')
    for name, message in ((folders, 'is a folder; give the name of a file'), (folders / 'file/a.json', 'is a file')):
        with pytest.raises(SystemExit) as stop:
            main([str(folders / 'gts'), str(folders / 'pred'), '--json', str(name)])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


def test_strict_stops_at_the_first_error(folders, frames, main, capsys):
    np.savez_compressed(folders / 'pred/dd.npz', frames['dd'][1].astype(np.float32))
    np.savez_compressed(folders / 'pred/bb.npz', frames['bb'][1].astype(np.float32))
    assert main(arguments(folders, '--strict')) == 1
    assert list(errors_of(folders)) == ['bb']
    assert 'miou' not in report(folders)
    (folders / 'pred/bb.npz').unlink()
    assert main(arguments(folders, '--strict')) == 1
    assert 'no prediction for this token' in capsys.readouterr().err


def test_a_label_without_the_mask_is_an_error_only_where_the_mask_is_used(folders, frames, main):
    path = folders / 'gts/scene-0/aa/labels.npz'
    np.savez_compressed(path, semantics=frames['aa'][0]['semantics'])
    assert main(arguments(folders)) == 1
    assert 'mask_camera' in errors_of(folders)['aa']
    assert main(arguments(folders, '--mask', 'none')) == 0
    assert main(arguments(folders, '--metrics', 'rayiou', '--origins', folders / 'origins.json')) == 0


def info(token, time):
    pose = np.eye(4)
    pose[0, 3] = 5.0 * time
    return {'token': token, 'timestamp': time, 'scene_token': 's', 'ego2global': pose.tolist(), 'images': {},
            'lidar_points': {'lidar2ego': np.eye(4).tolist()}}  # fmt: skip


def test_infos_give_origins_and_choose_the_tokens(folders, main):
    infos = {'metainfo': {}, 'data_list': [info(token, time) for time, token in enumerate(('aa', 'cc', 'dd'))]}
    (folders / 'infos.pkl').write_bytes(pickle.dumps(infos))
    (folders / 'pred/bb.npz').unlink()
    options = ('--metrics', 'rayiou', '--infos', folders / 'infos.pkl')
    assert main(arguments(folders, *options)) == 0
    by_infos = report(folders)
    assert by_infos['frames'] == 3
    origins = {'aa': [[0, 0, 0], [5, 0, 0], [10, 0, 0]], 'cc': [[-5, 0, 0], [0, 0, 0], [5, 0, 0]],
               'dd': [[-10, 0, 0], [-5, 0, 0], [0, 0, 0]]}  # fmt: skip
    (folders / 'origins.json').write_text(json.dumps(origins))
    assert main(arguments(folders, *options, '--origins', folders / 'origins.json')) == 0
    assert report(folders)['rayiou'] == by_infos['rayiou']


def test_frames_without_origins_are_errors(folders, main):
    (folders / 'origins.json').write_text(json.dumps(dict.fromkeys(TOKENS[1:], ORIGINS)))
    assert main(arguments(folders, '--metrics', 'rayiou', '--origins', folders / 'origins.json')) == 1
    assert 'no ray origins for token aa' in errors_of(folders)['aa']


def test_wrong_arguments_end_with_exit_code_2(folders, main, capsys):
    for wrong in (['--metrics', 'rayiou'], ['--workers', '0'], ['--f-threshold', '0'], ['--mask', 'radar']):
        with pytest.raises(SystemExit) as stop:
            main(arguments(folders, *wrong))
        assert stop.value.code == 2
    assert main([str(folders / 'none'), str(folders / 'pred')]) == 2
    assert main([str(folders / 'pred'), str(folders / 'none')]) == 2
    assert 'folder not found' in capsys.readouterr().err


@pytest.mark.parametrize('numba', ['0', '1'])
def test_tool_imports_no_framework(folders, numba):
    code = (
        'import runpy, sys\n'
        f'sys.argv = ["eval_occ.py", *{arguments(folders)!r}]\n'
        'try:\n'
        f'    runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
        'except SystemExit as stop:\n'
        '    assert stop.code == 0, stop.code\n'
        'found = {"torch", "mmengine", "mmcv", "mmdet", "mmdet3d"} & set(sys.modules)\n'
        'assert not found, found\n'
        f'assert ("numba" in sys.modules) == bool({numba})\n'
    )
    environment = {**os.environ, 'PYTHONPATH': str(TOOL.parents[1]), 'GEODISTILL_NUMBA': numba}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert 'mIoU' in done.stdout


def test_two_processes_write_the_report_of_one(folders, tmp_path):
    for i in range(70):  # three chunks
        folder = folders / f'gts/many/{i:02d}'
        folder.mkdir(parents=True)
        os.link(folders / 'gts/scene-0/aa/labels.npz', folder / 'labels.npz')
        os.link(next((folders / 'pred').rglob(f'{TOKENS[i % 4]}.npz')), folders / f'pred/{i:02d}.npz')
    options = ['--metrics', 'miou', 'fscore']
    texts = []
    for workers in (1, 2):
        path = tmp_path / f'{workers}.json'
        done = run(folders / 'gts', folders / 'pred', *options, '--workers', workers, '--json', path)
        assert done.returncode == 0, done.stderr
        texts.append(path.read_text())
    assert texts[0] == texts[1]
    assert json.loads(texts[0])['frames'] == 74
