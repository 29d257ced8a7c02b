"""Samples in the 3D viewer; the data are five fake keyframes of two scenes, of which two are held out."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from fake_nuscenes import FAKE_FOCAL, fake_label, write_fake_nuscenes

from projects.occ_eval.classes import FREE_CLASS
from projects.studies.viewer import DrawnFrames, choose_samples, open_dataset, rig_of, sample_frame

CONFIG = 'flashocc_mini_1xb1-7e_minidrive'


@pytest.fixture(scope='module')
def dataset(repo, tmp_path_factory):
    """The held-out samples, seen through the config of a student."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repo / 'tools'))
        from dataset_converters.occ3d_nuscenes import Occ3DConverter

    root = write_fake_nuscenes(tmp_path_factory.mktemp('occ') / 'nuscenes')
    Occ3DConverter(str(root), 'v1.0-minidrive', str(root), workers=1).run()
    return open_dataset(CONFIG, 'val', str(root))


def test_sample_is_its_label_and_predictions_with_the_rig(dataset):
    pred = np.full((200, 200, 16), FREE_CLASS, np.uint8)
    frame = sample_frame(dataset, 1, {'student': pred}, width=80)
    assert list(frame.volumes) == ['label', 'student']
    assert np.array_equal(frame.volumes['label'], fake_label(1)['semantics'])
    assert re.fullmatch(r'scene-9002 [0-9a-f]{8}', frame.name)
    front = frame.cameras['CAM_FRONT']
    assert front.image.shape == (45, 80, 3)  # half as large as the file, whose pixels the intrinsics are in
    assert front.size == (90, 160)
    assert front.cam2img.tolist() == [[FAKE_FOCAL, 0, 79.5], [0, FAKE_FOCAL, 44.5], [0, 0, 1]]
    # The camera fires 30 ms before the LiDAR at 10 m/s: 0.3 m behind its place on the car, looking forward.
    assert front.cam2ego == pytest.approx(np.array([[0, 0, 1, 1.2], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]]))


def test_images_are_never_enlarged_and_are_rgb(dataset):
    frame = dataset.frame(0)
    rig = rig_of({**frame, 'img_paths': frame['img_paths'][:1]}, 1000)
    assert [camera.image.shape for camera in rig.values()] == [(90, 160, 3)]


def test_mask_of_the_label_cuts_all_volumes(dataset):
    road = np.full((200, 200, 16), 11, np.uint8)
    frame = sample_frame(dataset, 0, {'student': road}, 'camera')
    assert (frame.volumes['student'] != FREE_CLASS).sum() == 100 * 120 * 16
    assert (frame.volumes['label'][:, :, 2] != FREE_CLASS).sum() == 100 * 120


def test_samples_are_chosen_by_token_place_or_scene(dataset):
    token = dataset.frame(1)['token']
    assert choose_samples(dataset, tokens=[token]) == [1]
    assert choose_samples(dataset, indices=[1, 0]) == [1, 0]
    assert choose_samples(dataset, scene='scene-9002') == [0, 1]
    assert choose_samples(dataset, scene=dataset.frame(0)['scene_token']) == [0, 1]
    with pytest.raises(ValueError, match='which has 1: scene-9002'):
        choose_samples(dataset, scene='scene-1')
    with pytest.raises(ValueError, match='are 0 to 1, got -1'):
        choose_samples(dataset, indices=[0, -1])


def test_sample_without_a_label_has_no_mask(dataset):
    blind = SimpleNamespace(frame=lambda index: {**dataset.frame(index), 'occ_path': None}, spec=dataset.spec)
    assert sample_frame(blind, 0, {}).volumes == {}
    with pytest.raises(ValueError, match='has no label, so there is no lidar mask'):
        sample_frame(blind, 0, {}, 'lidar')


def test_config_of_depth_is_refused():
    with pytest.raises(ValueError, match='is no config of occupancy: its data set is KITTIDepthDataset'):
        open_dataset('mono-depth_mini_1xb4-12e_minidrive')


def test_drawn_keyframes_are_written_with_a_link(dataset, tmp_path):
    drawn = DrawnFrames(dataset)
    assert drawn.write(tmp_path, 'Title') == []
    label = fake_label(0)
    drawn.add(0, {'label': label['semantics']}, label['mask_camera'].astype(bool))
    assert drawn.write(tmp_path, 'Title') == [('Keyframes in 3D', 'viewer.html')]
    assert (drawn.frames[0].volumes['label'] != FREE_CLASS)[:50].sum() == 0
    assert '<title>Title</title>' in (tmp_path / 'viewer.html').read_text()
