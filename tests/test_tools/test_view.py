"""tools/view.py: pages from files of predictions, from samples and from scenes."""

import importlib.util
import json
import re
import sys

import numpy as np
import pytest
from fake_nuscenes import fake_label, write_fake_nuscenes

CONFIG = 'flashocc_mini_1xb1-7e_minidrive'


@pytest.fixture(scope='module')
def tool(repo):
    spec = importlib.util.spec_from_file_location('view_tool', repo / 'tools/view.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def view(tool, tmp_path):
    """Run the tool; what the page holds."""

    def run(*args):
        assert tool.main([*map(str, args), '--out', str(tmp_path / 'page.html')]) is None
        page = (tmp_path / 'page.html').read_text()
        return json.loads(re.search(r'<script id="content"[^>]*>(.*?)</script>', page, re.DOTALL)[1])

    return run


@pytest.fixture(scope='module')
def nuscenes_root(repo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repo / 'tools'))
        from dataset_converters.occ3d_nuscenes import Occ3DConverter

    root = write_fake_nuscenes(tmp_path_factory.mktemp('occ') / 'nuscenes')
    Occ3DConverter(str(root), 'v1.0-minidrive', str(root), workers=1).run()
    return root


@pytest.fixture
def files(tmp_path):
    """A label, and predictions in two layouts."""
    label = fake_label(0)
    np.savez_compressed(tmp_path / 'labels.npz', **label)
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        np.savez_compressed(tmp_path / name / 'pred.npz', pred=label['semantics'])
    np.save(tmp_path / 'other.npy', label['semantics'][None].astype(np.int64))
    return tmp_path


def test_files_of_any_layout_stand_beside_the_label(view, files):
    content = view(files / 'a/pred.npz', files / 'other.npy', '--label', files / 'labels.npz')
    assert content['names'] == ['label', 'pred', 'other']
    (frame,) = content['frames']
    assert len(set(frame['volumes'].values())) == 1
    assert content['classes'][4] == 'car'
    assert content['range'] == [-40, -40, -1, 40, 40, 5.4]


def test_files_of_one_name_are_told_apart_by_their_folders(view, files):
    assert view(files / 'a/pred.npz', files / 'b/pred.npz')['names'] == ['a/pred', 'b/pred']
    assert view(files / 'a/pred.npz', files / 'b/pred.npz', '--names', 'one', 'two')['names'] == ['one', 'two']


def test_mask_cuts_what_is_drawn(view, files):
    whole = view(files / 'other.npy', '--label', files / 'labels.npz')
    seen = view(files / 'other.npy', '--label', files / 'labels.npz', '--mask', 'camera')
    for name in ('label', 'other'):
        assert len(seen['frames'][0]['volumes'][name]) < len(whole['frames'][0]['volumes'][name])


def test_scene_is_a_frame_for_each_sample_with_cameras_and_predictions(view, nuscenes_root, tmp_path):
    data = ('--config', CONFIG, '--data-root', nuscenes_root)
    every = view(*data, '--scene', 'scene-9002', '--image-width', '40')
    assert [len(frame['cameras']) for frame in every['frames']] == [6, 6]
    token = sorted(path.name for path in (nuscenes_root / 'gts/scene-9002').iterdir())[0]
    (tmp_path / 'preds').mkdir()
    np.savez_compressed(tmp_path / f'preds/{token}.npz', fake_label(0)['semantics'])
    with_preds = view(tmp_path / 'preds', *data, '--scene', 'scene-9002', '--image-width', '40')
    assert with_preds['names'] == ['label', 'preds']
    shown = {frame['name'].split()[1]: list(frame['volumes']) for frame in with_preds['frames']}
    assert shown.pop(token[:8]) == ['label', 'preds']
    assert list(shown.values()) == [['label']]
    one = view(tmp_path / f'preds/{token}.npz', *data, '--token', token, '--names', 'student')
    assert one['names'] == ['label', 'student']
    assert [frame['name'] for frame in one['frames']] == [f'scene-9002 {token[:8]}']


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        ([], 'give files of predictions, --label or --config'),
        (['--index', '0'], 'need --config'),
        (['x.npz', '--mask', 'camera'], '--mask needs --label or --config'),
        (['--config', CONFIG], '--config needs --token, --index or --scene'),
        (['--config', CONFIG, '--index', '0', '--label', 'x.npz'], 'a data set has its own labels'),
        (['x.npz', '--names', 'a', 'b'], 'one name for each of the 1 predictions'),
        (['--config', CONFIG, '--index', '0', '--image-width', '0'], 'at least 1'),
    ],
)
def test_flags_that_do_not_go_together_are_named(tool, capsys, flags, message):
    with pytest.raises(SystemExit) as end:
        tool.main([*flags, '--out', 'page.html'])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_wrong_files_and_names_are_one_message_and_no_page(tool, files, monkeypatch, capsys):
    monkeypatch.chdir(files)

    def error(*args):
        monkeypatch.setattr(sys, 'argv', ['view.py', *args, '--out', 'page.html'])
        assert tool.run_tool(tool.main) == 1
        assert not (files / 'page.html').exists()
        return capsys.readouterr().err

    assert 'none.npz' in error('none.npz')
    assert 'two of the predictions are the same file' in error('a/pred.npz', 'a/pred.npz')
    assert 'must differ from each other and from label' in error('a/pred.npz', 'b/pred.npz', '--names', 'x', 'x')
    assert "pred.npz has no array ['semantics']" in error('other.npy', '--label', 'a/pred.npz')


def test_several_samples_need_folders_of_predictions(tool, nuscenes_root, files):
    flags = ['--config', CONFIG, '--data-root', str(nuscenes_root), '--scene', 'scene-9002', '--out', 'page.html']
    with pytest.raises(ValueError, match=r'other.npy is not a folder: for 2 samples give folders'):
        tool.main([str(files / 'other.npy'), *flags])


def test_files_alone_need_neither_torch_nor_mmdet3d(run_python, repo, files):
    code = (
        'import runpy, sys; '
        f'runpy.run_path({str(repo / "tools/view.py")!r})["main"](sys.argv[1:]); '
        'assert not {"torch", "mmengine", "mmdet3d"} & set(sys.modules)'
    )
    run_python('-c', code, files / 'other.npy', '--out', files / 'page.html')
    assert (files / 'page.html').is_file()


def test_folder_without_a_config_is_refused_with_what_to_give(tool, tmp_path):
    with pytest.raises(ValueError, match='is a folder; give its files, or --config with --scene or --token'):
        tool.main([str(tmp_path), '--out', str(tmp_path / 'page.html')])
