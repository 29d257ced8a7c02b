"""Occ3D submissions: a packed file scores like the predictions in memory, and everything wrong is said at once."""

import argparse
import io
import json
import pickle
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from occ_oracles import disturb, make_scene

from projects.occ_eval.submission import check_occ3d, pack_occ3d, tokens
from projects.occ_eval.submission.occ3d import add_commands

REPO = Path(__file__).resolve().parents[3]
TOKENS = ['aa', 'bb', 'cc']


@pytest.fixture(scope='module')
def scenes():
    return {token: make_scene(i) for i, token in enumerate(TOKENS)}


@pytest.fixture
def predictions(tmp_path, scenes):
    folder = tmp_path / 'pred'
    folder.mkdir()
    for i, (token, scene) in enumerate(scenes.items()):
        np.savez_compressed(folder / f'{token}.npz', **{('arr_0', 'pred', 'semantics')[i]: disturb(scene, i)})
    return folder


def npz(array, key='arr_0', **more):
    stream = io.BytesIO()
    np.savez_compressed(stream, **{key: array}, **more)
    return stream.getvalue()


def test_packed_file_is_sound_and_has_the_form_of_the_server(tmp_path, predictions):
    assert pack_occ3d(predictions, TOKENS, tmp_path / 'z.zip') == []
    assert check_occ3d(tmp_path / 'z.zip', TOKENS) == []
    with zipfile.ZipFile(tmp_path / 'z.zip') as archive:
        assert archive.namelist() == [f'occ_submission/{token}.npz' for token in TOKENS]
        for token in TOKENS:
            with np.load(io.BytesIO(archive.read(f'occ_submission/{token}.npz'))) as content:
                assert content.files == ['arr_0']
                with np.load(predictions / f'{token}.npz') as source:
                    np.testing.assert_array_equal(content['arr_0'], source[source.files[0]])


def test_packing_twice_gives_equal_files(tmp_path, predictions):
    for name in 'ab':
        pack_occ3d(predictions, TOKENS[:1] + TOKENS[1:], tmp_path / f'{name}.zip')
    assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes()


def test_packed_file_scores_exactly_like_the_predictions_in_memory(tmp_path, scenes):
    import torch

    from projects.occupancy.evaluation import OccMetric

    metric = OccMetric(submission_dir=str(tmp_path / 'pred'))
    metric.dataset_meta = {'classes': [str(i) for i in range(18)], 'free_class': 17}
    rng = np.random.default_rng(0)
    for i, (token, scene) in enumerate(scenes.items()):
        mask = rng.random(scene.shape) < 0.3
        sample = {'pred_occ': disturb(scene, i), 'gt_occ': scene, 'mask_camera': mask}
        metric.process({}, [{'token': token, **{key: torch.tensor(value) for key, value in sample.items()}}])
        folder = tmp_path / f'gts/scene/{token}'
        folder.mkdir(parents=True)
        np.savez_compressed(folder / 'labels.npz', semantics=scene, mask_camera=mask.astype(np.uint8))
    in_memory = metric.evaluate(3)
    assert pack_occ3d(tmp_path / 'pred', TOKENS, tmp_path / 'z.zip') == []
    zipfile.ZipFile(tmp_path / 'z.zip').extractall(tmp_path / 'unpacked')
    command = [sys.executable, REPO / 'tools/eval_occ.py', tmp_path / 'gts', tmp_path / 'unpacked', '--workers', '1']
    subprocess.run([*command, '--json', tmp_path / 'out.json'], check=True, capture_output=True, timeout=120)
    report = json.loads((tmp_path / 'out.json').read_text())
    assert report['miou']['mean'] == in_memory['occ/mIoU']
    assert report['iou'] == in_memory['occ/IoU']
    assert report['miou']['per_class']['car'] == in_memory['occ/IoU_4']


def test_bad_predictions_are_all_named_and_nothing_is_written(tmp_path, predictions, scenes):
    np.savez_compressed(predictions / 'aa.npz', scenes['aa'].astype(np.float64))
    (predictions / 'bb.npz').write_bytes(b'PK')
    np.savez_compressed(predictions / 'zz.npz', scenes['aa'])
    problems = pack_occ3d(predictions, [*TOKENS, 'dd'], tmp_path / 'z.zip')
    text = '\n'.join(problems)
    for part in (
        '1 predictions missing: dd',
        'not in the info file: zz',
        'must hold integers, got float64',
        'bb.npz is trunc',
    ):
        assert part in text
    assert not (tmp_path / 'z.zip').exists()


def write_zip(path, members):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in members:
            archive.writestr(name, content)


def test_everything_wrong_in_a_file_is_said_at_once(tmp_path, scenes):
    good = npz(scenes['aa'])
    link = zipfile.ZipInfo('f/link.npz')
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    broken = bytearray(good)
    broken[len(good) // 2] ^= 0x55
    names = ['key', 'two', 'dtype', 'shape', 'range', 'openocc', 'objects', 'corrupt', 'text']
    members = [
        ('f/aa.npz', good),
        ('f/aa.npz', good),
        ('f/key.npz', npz(scenes['aa'], 'pred')),
        ('f/two.npz', npz(scenes['aa'], gt=scenes['aa'])),
        ('f/dtype.npz', npz(scenes['aa'].astype(np.int32))),
        ('f/shape.npz', npz(scenes['aa'][:100])),
        ('f/range.npz', npz(np.where(scenes['aa'] == 4, 18, scenes['aa']).astype(np.uint8))),
        ('f/openocc.npz', npz(np.where(scenes['aa'] == 17, 16, 3).astype(np.uint8))),
        ('f/objects.npz', npz(np.array([{}], object))),
        ('f/corrupt.npz', bytes(broken)),
        ('f/text.npz', b'no array'),
        ('f/extra.npz', good),
        ('g/other.npz', good),
        ('f/large.npz', bytes(2 << 20)),
        ('../escape.npz', good),
        ('/absolute.npz', good),
        ('C:\\windows.npz', good),
        ('readme.txt', b'hi'),
        (link, b'/etc/passwd'),
    ]
    with pytest.warns(UserWarning, match='Duplicate'):
        write_zip(tmp_path / 'z.zip', members)
    text = '\n'.join(check_occ3d(tmp_path / 'z.zip', ['aa', 'absent', *names]))
    expected = {
        "'f/aa.npz': it is there twice",
        "f/key.npz must hold the array 'arr_0' alone, got ['pred']",
        "f/two.npz must hold the array 'arr_0' alone, got ['arr_0', 'gt']",
        'arr_0 of f/dtype.npz must be uint8, got int32',
        'f/shape.npz must have shape (200, 200, 16), got (100, 200, 16)',
        'f/range.npz holds class ids [18]',
        'f/openocc.npz has the classes of OpenOcc',
        'f/objects.npz holds Python objects',
        'f/corrupt.npz is corrupt',
        'f/text.npz is truncated, corrupt or not an .npz file',
        '1 predictions missing: absent',
        'not in the info file: extra, other',
        'predictions are in several folders: f, g',
        "'f/large.npz': it unpacks to 2097152 bytes",
        "'../escape.npz': it leads out of its folder",
        "'/absolute.npz': it is an absolute path",
        "'C:\\\\windows.npz': it is a path of another system",
        "'f/link.npz': it is a link",
        '1 files that are no predictions: readme.txt',
    }
    assert {part for part in expected if part not in text} == set()


def test_damaged_archives_are_named(tmp_path, predictions):
    path = tmp_path / 'z.zip'
    assert check_occ3d(path, TOKENS) == [f'{path} does not exist']
    pack_occ3d(predictions, TOKENS, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert 'no zip file' in check_occ3d(path, TOKENS)[0]
    damaged = bytearray(whole)
    damaged[5000] ^= 1
    path.write_bytes(damaged)
    (problem,) = check_occ3d(path, TOKENS)
    assert 'aa.npz is corrupt' in problem


def test_command_line_says_what_is_wrong_and_imports_no_framework(tmp_path, predictions):
    item = {'timestamp': 0, 'ego2global': np.eye(4), 'lidar_points': {}, 'images': {}}
    infos = {'metainfo': {}, 'data_list': [{'token': token, **item} for token in TOKENS]}
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps(infos))

    def run(*args):
        code = (
            'import sys, runpy\n'
            f'sys.argv = {["submission.py", *map(str, args)]!r}\n'
            'try:\n'
            f'    runpy.run_path({str(REPO / "tools/submission.py")!r}, run_name="__main__")\n'
            'finally:\n'
            '    assert not {"torch", "mmengine", "mmdet3d"} & set(sys.modules)\n'
        )
        return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=REPO, timeout=120)

    options = ('--infos', tmp_path / 'infos.pkl')
    packed = run('occ3d', 'pack', predictions, *options, '--out', tmp_path / 'z.zip')
    assert packed.returncode == 0, packed.stderr
    checked = run('occ3d', 'check', tmp_path / 'z.zip', *options)
    assert (checked.returncode, checked.stdout) == (0, 'nothing is wrong\n')
    (predictions / 'aa.npz').unlink()
    (predictions / 'bb.npz').unlink()
    failed = run('occ3d', 'pack', predictions, *options, '--out', tmp_path / 'y.zip')
    assert failed.returncode == 1
    assert '2 predictions missing: aa, bb' in failed.stderr
    assert run('occ4d', 'pack').returncode == 2


def test_folder_in_place_of_the_archive_is_named_as_one(tmp_path):
    assert check_occ3d(tmp_path, ['aa']) == [f'{tmp_path} is a folder; give the zip file that is made of it']


def test_packing_reads_the_info_file_once(tmp_path, predictions, monkeypatch):
    items = [
        {'token': t, 'timestamp': i, 'ego2global': 0, 'lidar_points': {}, 'images': {}} for i, t in enumerate(TOKENS)
    ]
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps({'data_list': items}))
    reads, read = [], tokens.restricted_load
    monkeypatch.setattr(tokens, 'restricted_load', lambda path: reads.append(path) or read(path))
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    paths = [str(tmp_path / name) for name in ('infos.pkl', 'z.zip')]
    args = parser.parse_args(['pack', str(predictions), '--infos', paths[0], '--out', paths[1]])
    assert args.run(args) == []
    assert reads == paths[:1]
