"""Depth maps of some of the drives: what training sees of the others."""

import pickle
import shutil

import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS

from projects.depth.structures import DepthDataSample
from projects.depth_eval.infos import drive_of
from projects.engine import choose_scenes, restricted_load

PIPELINE = [
    {'type': 'LoadDepthImages'},
    {'type': 'LoadDepthMap'},
    {'type': 'StereoFlip', 'prob': 1.0},
    {'type': 'PackDepthInputs'},
]
HEAD = {
    'type': 'DepthScaleHead',
    'in_channels': 2,
    'mid_channels': 2,
    'loss_depth': {'type': 'SILogLoss'},
    'loss_scale': {'type': 'DepthNLLLoss'},
}


@pytest.fixture(scope='module')
def data_root(kitti_root, run_python, tmp_path_factory):
    root = tmp_path_factory.mktemp('parts') / 'data'
    shutil.copytree(kitti_root, root)
    lines = (root / 'splits/minidrive_val.txt').read_text().splitlines(keepends=True)
    (root / 'splits/minidrive_calib.txt').write_text(''.join(lines[:2]))
    run_python('tools/create_data.py', 'kitti-depth', '--root-path', root)
    return root


def build(root, split='train', **options):
    config = {'type': 'KITTIDepthDataset', 'data_root': str(root), 'ann_file': f'kitti-depth_infos_{split}.pkl'}
    return DATASETS.build({**config, 'stereo': True, 'pipeline': PIPELINE, **options})


def drives_of(data):
    return [drive_of(data.get_data_info(index)['frame_id']) for index in range(len(data))]


def test_calibration_drives_of_minidrive_have_an_info_file_of_their_own(data_root):
    drives = drives_of(build(data_root, 'calib', test_mode=True))
    assert drives == drives_of(build(data_root, 'val', test_mode=True))[:2]
    assert len(set(drives)) == 1


def test_parts_are_chosen_by_drive(data_root):
    full = drives_of(build(data_root))
    assert len(full) == 8
    half = build(data_root, scene_part=0.5)
    assert set(drives_of(half)) == choose_scenes(full, 0.5)
    assert len(half) == 4
    few = build(data_root, label_part=0.25)
    seen = [few.get_data_info(index) for index in range(len(few))]
    assert len(seen) == 8
    assert {drive_of(info['frame_id']) for info in seen if info['labelled']} == choose_scenes(full, 0.25)
    other = build(data_root, label_part=0.25, label_draw=3)
    labelled = {drive_of(info['frame_id']) for info in map(other.get_data_info, range(8)) if info['labelled']}
    assert labelled == choose_scenes(full, 0.25, 3) != choose_scenes(full, 0.25)


def test_a_frame_without_labels_has_both_images_and_no_depth_mirrored_as_well(data_root):
    full, few = build(data_root), build(data_root, label_part=0.25)
    for index in range(len(few)):
        whole, item = full[index], few[index]
        assert item['data_samples'].flipped
        for key in ('img', 'right_img'):
            assert torch.equal(item['inputs'][key], whole['inputs'][key])
        truth = whole['data_samples'].gt_depth
        expected = truth if few.get_data_info(index)['labelled'] else torch.zeros_like(truth)
        assert torch.equal(item['data_samples'].gt_depth, expected)


def test_no_depth_map_of_an_unlabelled_drive_is_read(data_root, tmp_path):
    root = tmp_path / 'data'
    shutil.copytree(data_root, root)
    labelled = choose_scenes(drives_of(build(root)), 0.25)
    for folder in (root / 'depth/train').iterdir():
        if folder.name not in labelled:
            shutil.rmtree(folder)
    assert len([item for item in build(root, label_part=0.25) if item['data_samples'].gt_depth.any()]) == 2


def test_a_frame_without_depth_maps_trains_where_the_info_file_says_that_it_is_not_labelled(data_root, tmp_path):
    content = restricted_load(data_root / 'kitti-depth_infos_train.pkl')
    frame = content['data_list'][3]
    frame.update({key: None for key in frame if 'depth_path' in key or 'dense_path' in key}, labelled=False)
    path = tmp_path / 'few.pkl'
    path.write_bytes(pickle.dumps(content))
    sample = build(data_root, ann_file=str(path))[3]['data_samples']
    assert sample.flipped
    assert not sample.labelled
    assert not sample.gt_depth.any()
    del frame['labelled']
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r'has no depth map, .* labelled=False of the frame'):
        build(data_root, ann_file=str(path))


def test_frames_whose_drive_is_not_known_cannot_be_chosen_by_drive(data_root, tmp_path):
    content = restricted_load(data_root / 'kitti-depth_infos_train.pkl')
    content['data_list'][3]['frame_id'] = 'single'
    (tmp_path / 'single.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r'does not say the scene.*tools/create_data\.py kitti-depth'):
        build(data_root, ann_file=str(tmp_path / 'single.pkl'), label_part=0.5)
    assert len(build(data_root, ann_file=str(tmp_path / 'single.pkl'))) == 8


def losses_of(head, feat, maps):
    samples = []
    for depth in maps:
        samples.append(DepthDataSample())
        samples[-1].gt_depth = depth
    outputs = head({'feat_4': feat}, (4, 6))
    return head.loss(outputs, torch.stack([sample.gt_depth for sample in samples]))


def test_losses_of_a_batch_without_depth_are_zero_with_a_zero_gradient():
    head = MODELS.build(HEAD)
    losses = losses_of(head, torch.randn(2, 2, 4, 6), torch.zeros(2, 4, 6))
    sum(losses.values()).backward()
    assert {name: value.item() for name, value in losses.items()} == {'loss_depth': 0.0, 'loss_scale': 0.0}
    assert all((p.grad == 0).all() for p in head.parameters())


def test_a_frame_without_depth_adds_nothing_to_the_losses_of_its_batch():
    torch.manual_seed(0)
    head, feat, truth = MODELS.build(HEAD), torch.randn(2, 2, 4, 6), torch.rand(4, 6) * 30 + 2
    mixed = losses_of(head, feat, [truth, torch.zeros(4, 6)])
    alone = losses_of(head, feat[:1], [truth])
    for name in mixed:
        torch.testing.assert_close(mixed[name], alone[name])
