import importlib.util
import shutil
import sys

import numpy as np
import pytest
from fake_nuscenes import write_fake_nuscenes
from PIL import Image

from projects.minidrive import generate_kitti


@pytest.fixture
def browse(repo, monkeypatch, tmp_path):
    """Run tools/misc/browse_dataset.py; returns the pictures by name."""
    spec = importlib.util.spec_from_file_location('browse_dataset', repo / 'tools/misc/browse_dataset.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(config, split, root, *options, flags=()):
        out = tmp_path / 'out'
        shutil.rmtree(out, ignore_errors=True)
        flags = ['--output-dir', str(out), '--num', '2', '--split', split, '--width', '600', *flags]
        data_root = f'{split}_dataloader.dataset.data_root={root}'
        command = ['browse_dataset.py', str(repo / config), *flags, '--cfg-options', data_root, *options]
        monkeypatch.setattr(sys, 'argv', command)
        tool.main()
        return {path.name: np.asarray(Image.open(path)) for path in sorted(out.iterdir())}

    return run


@pytest.fixture(scope='module')
def nuscenes_root(repo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repo / 'tools'))
        from dataset_converters.occ3d_nuscenes import Occ3DConverter

    root = write_fake_nuscenes(tmp_path_factory.mktemp('occ') / 'nuscenes')
    Occ3DConverter(str(root), 'v1.0-minidrive', str(root), workers=1).run()
    return root


@pytest.fixture(scope='module')
def kitti_root(repo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repo / 'tools'))
        from dataset_converters.kitti_depth import KITTIDepthConverter

    root = tmp_path_factory.mktemp('depth') / 'kitti'
    generate_kitti(root, 'tiny', seed=0, progress=False)
    KITTIDepthConverter(str(root)).run()
    return root


OCCUPANCY = [
    ('configs/_base_/datasets/minidrive-occ.py', 'val'),
    ('configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py', 'train'),
    ('configs/bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive.py', 'test'),
]


@pytest.mark.parametrize(('config', 'split'), OCCUPANCY)
def test_cameras_are_drawn_with_points_voxels_and_the_label(browse, nuscenes_root, config, split):
    found = browse(config, split, nuscenes_root)
    assert len(found) == 2
    picture = next(iter(found.values()))
    # Two grids of 2 x 3 images of 200 x 114 pixels, the label of 200 and a legend of 6 rows, all with titles.
    assert picture.shape == (2 * 2 * (22 + 114) + (22 + 200) + 20 * 6 + 6, 600, 3)


def test_cameras_are_drawn_without_lidar_files(browse, nuscenes_root, tmp_path):
    shutil.copytree(nuscenes_root, tmp_path / 'data')
    shutil.rmtree(tmp_path / 'data/samples/LIDAR_TOP')
    found = browse(OCCUPANCY[0][0], 'val', tmp_path / 'data', flags=['--no-lidar'])
    assert len(found) == 2
    with pytest.raises(FileNotFoundError):
        browse(OCCUPANCY[0][0], 'val', tmp_path / 'data')


def test_lidar_alone_is_drawn_from_above(browse, nuscenes_root):
    found = browse('configs/lidar_occ/lidar-occ_mini_1xb1-7e_minidrive.py', 'train', nuscenes_root)
    picture = next(iter(found.values()))
    assert picture.shape == ((22 + 200) + 20 * 6 + 6, 600, 3)
    assert (picture[22:222, :200] != 250).any()


DEPTH = [
    ('configs/mono_depth/mono-depth_mini_1xb4-12e_minidrive.py', 'test', 1),
    ('configs/stereo_depth/stereo-depth_mini_1xb4-6e_minidrive.py', 'val', 2),
    ('configs/adudepth/adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py', 'train', 2),
]


@pytest.mark.parametrize(('config', 'split', 'images'), DEPTH)
def test_depth_is_drawn_with_the_images_that_the_model_sees(browse, kitti_root, config, split, images):
    crop = ['train_dataloader.dataset.pipeline.2.size=[96,320]'] if split == 'train' else []
    found = browse(config, split, kitti_root, *crop)
    assert len(found) == 2
    name, picture = next(iter(found.items()))
    assert name.startswith('000000_2024_01_0')
    height = round(300 * (96 / 320 if split == 'train' else 128 / 416))
    assert picture.shape == (22 + images * (22 + height) + 40, 600, 3)


def test_pipeline_of_another_task_is_named(browse, kitti_root):
    config = 'configs/mono_depth/mono-depth_mini_1xb4-12e_minidrive.py'
    with pytest.raises(SystemExit, match='must end in PackOccInputs or PackDepthInputs to be drawn, not in StereoFlip'):
        browse(config, 'train', kitti_root, 'train_dataloader.dataset.pipeline.5.type=StereoFlip')
