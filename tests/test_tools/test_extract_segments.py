"""From the tool to what a training on superpixels reads, and what the tool says about files that are not whole."""

import os
import pickle

import pytest
from mmdet3d.registry import DATASETS
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

TOOL = 'tools/extract_segments.py'
CONFIG = 'configs/radocc/radocc-rsc-slic_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'


@pytest.fixture(scope='module')
def one_frame(minidrive_root, tmp_path_factory, tool_server, repo):
    """An info file with one keyframe of MiniDrive."""
    folder = tmp_path_factory.mktemp('infos')
    options = ['--version', 'v1.0-minidrive', '--out-dir', str(folder), '--workers', '1']
    tool_server.run(['tools/create_data.py', 'occ3d-nus', '--root-path', str(minidrive_root), *options], repo)
    path = folder / 'occ3d-nus_infos_train.pkl'
    content = pickle.loads(path.read_bytes())
    content['data_list'] = content['data_list'][:1]
    path.write_bytes(pickle.dumps(content))
    return path


def test_the_config_of_superpixels_reads_what_the_tool_writes(minidrive_root, one_frame, repo, run_python, tmp_path):
    flags = ('--infos', one_frame, '--data-root', minidrive_root, '--out-dir', tmp_path / 'slic')
    done = run_python(TOOL, 'slic', *flags)
    assert f'6 of 6 images have their segments in {tmp_path}/slic' in done.stdout
    config = Config.fromfile(repo / CONFIG)
    import_modules_from_strings(**config.custom_imports)
    dataset = config.train_dataloader.dataset
    assert dataset.segments == 'segments_slic'
    dataset.update(data_root=str(minidrive_root), ann_file=str(one_frame))
    exact = DATASETS.build({**dataset, 'segments': None})[0]['data_samples'].segments
    found = DATASETS.build({**dataset, 'segments': str(tmp_path / 'slic')})[0]['data_samples'].segments
    assert found.shape == exact.shape == (6, 90, 160)
    assert found.min() >= 1  # superpixels cover the sky as well, which has no exact segment
    assert exact.min() == 0
    assert all(16 <= len(camera.unique()) <= 96 for camera in found)


def test_the_check_counts_and_names_what_is_not_whole(minidrive_root, one_frame, run_python, tmp_path):
    flags = ('--infos', one_frame, '--data-root', minidrive_root, '--out-dir', tmp_path)
    assert run_python(TOOL, 'slic', *flags, '--shrink', 8).returncode == 0
    files = sorted(tmp_path.glob('*.png'))
    os.truncate(files[0], 50)
    files[1].unlink()
    done = run_python(TOOL, 'slic', *flags, '--check', check=False)
    assert done.returncode == 1
    assert f'{files[0]}: it ends too early' in done.stdout
    assert f'{files[1]}: missing' in done.stdout
    assert '6 images: 1 without segments, 1 with damaged ones' in done.stdout
    whole = files[2].stat().st_mtime_ns
    assert run_python(TOOL, 'slic', *flags, '--shrink', 8).returncode == 0
    assert run_python(TOOL, 'sam', *flags, '--check').returncode == 0
    assert files[2].stat().st_mtime_ns == whole


def test_shards_share_a_folder_and_make_every_image_once(minidrive_root, one_frame, run_python, tmp_path):
    """Six images in four parts: two of two and two of one."""
    flags = ('--infos', one_frame, '--data-root', minidrive_root, '--out-dir', tmp_path)
    counts = []
    for index in range(4):
        done = run_python(TOOL, 'slic', *flags, '--shrink', 8, '--shard', f'{index}/4')
        counts.append(len(list(tmp_path.glob('*.png'))))
        assert f'{counts[-1] - sum(counts[-2:-1])} of ' in done.stdout
    assert counts == [2, 4, 5, 6]
    for wrong in ('4/4', '1', '-1/4', 'a/b', '0/0'):
        assert 'must be such as 0/8' in run_python(TOOL, 'slic', *flags, f'--shard={wrong}', check=False).stderr


def test_the_exact_segments_of_minidrive_are_whole_and_are_not_replaced(minidrive_root, one_frame, run_python):
    flags = ('--infos', one_frame, '--data-root', minidrive_root, '--out-dir', minidrive_root / 'segments')
    assert '0 without segments, 0 with damaged' in run_python(TOOL, 'slic', *flags, '--check').stdout
    refused = run_python(TOOL, 'slic', *flags, check=False)
    assert refused.returncode == 1
    assert 'this tool did not make' in refused.stderr


def test_options_that_do_not_go_together_are_refused(run_python):
    for flags in ((), ('--infos', 'a.pkl', '--images', 'b'), ('--images', 'b', '--data-root', 'c')):
        done = run_python(TOOL, 'slic', '--out-dir', 'x', *flags, check=False)
        assert done.returncode == 2
        assert '--infos' in done.stderr
