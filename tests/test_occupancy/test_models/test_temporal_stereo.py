"""Depth from the motion of the car: the cost of a depth is least where the pixel is."""

import math

import pytest
import torch
from drives import make_drive
from torch.nn import functional as F

from projects.occupancy.datasets import Occ3DNuScenesDataset
from projects.occupancy.models import StereoDepthNet, StereoLSSViewTransform
from projects.occupancy.models.losses.depth_loss import depth_bin_targets
from projects.occupancy.models.view_transforms.plane_sweep import pixel_motion, plane_sweep_cost

STRIDE, SIZE = 4, (16, 32)
WALL = 12.0


def pose(x=0.0, y=0.0, degrees=0.0):
    matrix, angle = torch.eye(4), math.radians(degrees)
    matrix[:2, :2] = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix[0, 3], matrix[1, 3] = x, y
    return matrix[None]


def front_camera(make_calibration, ego2key, aug=None):
    """The camera that looks along x, 90 degrees over 128 pixels, as one keyframe."""
    frame = {key: value[:, 1:] for key, value in make_calibration(1, 2, 64, 128).items() if key != 'bda_mat'}
    return {**frame, 'ego2key': ego2key, 'img_aug_matrix': frame['img_aug_matrix'] if aug is None else aug}


def wall_seen_by(frame, wall=WALL):
    """Features (1, 1, 12, h, w) of a textured wall across the road, at x = ``wall`` of the key ego frame.

    Each cell shows the texture where the ray of its centre meets the wall.
    """
    v, u = torch.meshgrid(*((torch.arange(n) + 0.5) * STRIDE - 0.5 for n in SIZE), indexing='ij')
    pixels = torch.stack([u, v, torch.ones_like(u)], -1)
    cam2key = frame['ego2key'] @ frame['cam2ego'][:, 0]
    to_ray = cam2key[0, :3, :3] @ torch.linalg.inv(frame['img_aug_matrix'][0, 0] @ frame['cam2img'][0, 0])
    rays, origin = pixels @ to_ray.T, cam2key[0, :3, 3]
    points = origin + (wall - origin[0]) / rays[..., :1] * rays
    waves = 0.3 * torch.tensor([[0.9, 0.2], [0.3, -0.7], [1.3, 0.5], [-0.6, 1.1], [0.4, 0.3], [1.7, -0.9]])
    phases = points[..., 1:] @ waves.T
    return torch.cat([phases.cos(), phases.sin()], -1).movedim(-1, 0)[None, None]


def best_depth(make_calibration, former, now_aug=None, former_aug=None):
    """Depth of least cost at each cell (h, w), and where the wall is in the former image."""
    now, before = front_camera(make_calibration, pose(), now_aug), front_camera(make_calibration, former, former_aug)
    depths = torch.arange(4.0, 25.0)
    turn, move = (value.flatten(0, 1) for value in pixel_motion(now, before))
    maps = [wall_seen_by(frame)[0] for frame in (now, before)]
    cost = plane_sweep_cost(*maps, turn, move, depths, STRIDE, outside=5.0)
    at_wall = plane_sweep_cost(*(torch.zeros(1, 1, *SIZE),) * 2, turn, move, torch.tensor([WALL]), STRIDE, 1.0)[0, 0]
    return depths[cost[0].argmin(0)], at_wall == 0


@pytest.mark.parametrize('way', [pose(y=1.5), pose(y=-2.0), pose(x=-3.0, y=1.5), pose(x=-2.0, y=2.0, degrees=6)])
def test_the_cost_of_a_wall_across_the_road_is_least_at_its_depth(make_calibration, way):
    """The car moved sideways (or ahead and sideways, or turned): a wall at 12 m in front of the present camera."""
    found, seen = best_depth(make_calibration, way)
    assert seen.float().mean() > 0.5
    assert (found[seen] == WALL).float().mean() > 0.9


def test_a_car_that_drove_straight_ahead_finds_the_depth_away_from_the_middle(make_calibration):
    """At the point that it drives towards, nothing moves in the image."""
    found, seen = best_depth(make_calibration, pose(x=-4.0))
    rim = torch.ones(SIZE, dtype=torch.bool)
    rim[4:-4, 10:-10] = False
    assert (found[seen & rim] == WALL).float().mean() > 0.9


def test_augmented_images_are_matched_in_their_own_pixels(make_calibration):
    """Mirrored and enlarged, differently in both frames."""
    flip = torch.tensor([[-1.0, 0, 127], [0, 1, 0], [0, 0, 1]])[None, None]
    larger = torch.tensor([[1.2, 0, -10.0], [0, 1.2, -6.0], [0, 0, 1]])[None, None]
    found, seen = best_depth(make_calibration, pose(y=1.5), flip, larger)
    assert seen.float().mean() > 0.5
    assert (found[seen] == WALL).float().mean() > 0.9


def test_pixels_move_as_a_point_that_stands_still_does(make_calibration):
    """A point (10, 2, 1.5) of the key frame at camera height; the former car stood 4 m behind and 1 m to the left."""
    now, before = front_camera(make_calibration, pose()), front_camera(make_calibration, pose(x=-4.0, y=1.0))
    turn, move = (value[0, 0] for value in pixel_motion(now, before))
    # 90 degrees over 128 pixels: u = 63.5 - 64 * y / x, now at x = 10, y = 2, and before at x = 14, y = 1.
    q = 10 * turn @ torch.tensor([63.5 - 64 * 0.2, 31.5, 1.0]) + move
    torch.testing.assert_close(q, torch.tensor([63.5 - 64 / 14, 31.5, 1.0]) * 14, atol=1e-3, rtol=1e-5)


def test_what_the_former_camera_does_not_see_costs_its_feature_and_a_fixed_amount(make_calibration):
    """The former camera stood 20 m ahead: the wall at 12 m is behind it, what is at 24 m is in front of it."""
    now, before = front_camera(make_calibration, pose()), front_camera(make_calibration, pose(x=20.0))
    turn, move = (value.flatten(0, 1) for value in pixel_motion(now, before))
    feats, other = torch.full((1, 2, *SIZE), -3.0), torch.full((1, 2, *SIZE), 4.0)
    near, far = plane_sweep_cost(feats, other, turn, move, torch.tensor([12.0, 24.0]), STRIDE, 5.0)[0]
    assert torch.equal(near, torch.full(SIZE, 2 * 3.0 + 5.0))
    # At 24 m a pixel moves six times as far from the middle: the middle third of a third is seen.
    assert far[8, 16] == 2 * 7.0
    assert far[0, 0] == 2 * 3.0 + 5.0


@pytest.mark.parametrize(('aligned', 'cell'), [(False, STRIDE), (True, 127 / 31)])
def test_a_shift_by_one_cell_costs_the_difference_of_neighbours(aligned, cell):
    """Cells of 4 pixels with their centres half a cell inside, or 32 from the first to the last of 128 pixels."""
    feats = torch.randn(1, 3, *SIZE)
    turn = torch.eye(3)[None].clone()
    turn[0, 0, 2] = cell
    cost = plane_sweep_cost(feats, feats, turn, torch.zeros(1, 3), torch.tensor([7.0]), STRIDE, 5.0, aligned)[0, 0]
    torch.testing.assert_close(cost[:, :-1], (feats[0, ..., 1:] - feats[0, ..., :-1]).abs().sum(0), atol=1e-4, rtol=0)
    torch.testing.assert_close(cost[:, -1], feats[0, ..., -1].abs().sum(0) + 5.0)


def view(**options):
    cfg = {
        'in_channels': 4,
        'out_channels': 2,
        'point_cloud_range': [-40.0, -40.0, -1.0, 40.0, 40.0, 5.4],
        'grid_size': [20, 20, 1],
        'downsample': 8,
        'depth_range': (4.0, 24.0, 1.0),
        'depth_net': {'type': 'StereoDepthNet', 'mid_channels': 8, 'num_blocks': 1},
    }
    return StereoLSSViewTransform(**{**cfg, **options})


def test_the_matching_is_a_distribution_over_the_bins_with_its_peak_at_the_wall(make_calibration):
    """Bin 8 of 1 m from 4 m on has its centre at 12.5 m."""
    now, before = front_camera(make_calibration, pose()), front_camera(make_calibration, pose(y=1.5))
    maps = [wall_seen_by(frame, 12.5) for frame in (now, before)]
    matching = view().match(*(10 * each for each in maps), now, before)
    assert matching.shape == (1, 1, 20, *SIZE)
    torch.testing.assert_close(matching.sum(2), torch.ones(1, 1, *SIZE))
    assert (matching[0, 0, :, 2:-2, 6:-10].argmax(0) == 8).float().mean() > 0.9


def test_depth_follows_the_matching_and_no_gradient_passes_it(make_calibration):
    transform = view().train()
    calibration = make_calibration(1, 2, 64, 128)
    feats = torch.randn(1, 2, 4, 8, 16, requires_grad=True)
    other = torch.randn(1, 2, 3, 16, 32, requires_grad=True)
    frame = {**calibration, 'ego2key': pose()}
    matching = transform.match(other, other, frame, {**frame, 'ego2key': pose(x=-2.0)})
    assert not matching.requires_grad
    bev, logits = transform(feats, {**calibration, 'matching': matching})
    assert bev.shape == (1, 2, 20, 20)
    assert logits.shape == (2, 20, 8, 16)
    (bev.square().sum() + logits.square().sum()).backward()
    assert feats.grad.abs().sum() > 0
    assert [name for name, p in transform.named_parameters() if p.grad is None] == []
    _, others = transform(feats, {**calibration, 'matching': matching.flip(2)})
    assert not torch.allclose(logits, others)


def test_the_matching_is_brought_to_the_stride_of_the_feature():
    net = StereoDepthNet(4, num_depths=6, context_channels=2, match_downsample=4, mid_channels=8, num_blocks=1)
    depth, context = net(torch.randn(2, 4, 4, 8), torch.randn(2, 18), torch.rand(2, 6, 16, 32))
    assert depth.shape == (2, 6, 4, 8)
    assert context.shape == (2, 2, 4, 8)
    with pytest.raises(ValueError, match='match_downsample must be a power of 2, got 3'):
        StereoDepthNet(4, 6, 2, match_downsample=3)
    with pytest.raises(ValueError, match='downsample 8 must be a multiple of match_stride 3'):
        view(match_stride=3)


def test_a_drive_moves_the_cameras_as_its_poses_say(make_calibration):
    """In the drives of the other tests the former cameras look 5 degrees to the right of the present ones."""
    now, before = make_drive(make_calibration, 'a', 2, N=1)[::-1]
    ego2key = (torch.linalg.inv(now['pose']) @ before['pose']).float()
    assert math.degrees(math.atan2(ego2key[1, 0], ego2key[0, 0])) == pytest.approx(-5, abs=1e-4)


@pytest.fixture
def driven_pairs(minidrive_root, tmp_path, converter_class):
    """Inputs and LiDAR depth (N, 128, 224) of samples of MiniDrive whose car drove 0.2 to 4 m since the one before."""
    converter_class(str(minidrive_root), 'v1.0-minidrive', str(tmp_path), workers=1).run()
    images = [
        {'type': 'LoadMultiViewImages'},
        {'type': 'MultiViewImageAug', 'final_dim': (128, 224), 'test_mode': True},
    ]
    names = ('LoadLidarPoints', 'PointsToEgo', 'LiDARDepthMap', 'PackOccInputs')
    dataset = Occ3DNuScenesDataset(
        str(tmp_path / 'occ3d-nus_infos_train.pkl'),
        data_root=str(minidrive_root),
        modality={'use_lidar': True},
        history=1,
        pipeline=[{'type': 'LoadImageHistory', 'transforms': images}, *({'type': name} for name in names)],
    )
    pairs = [(data['inputs'], data['data_samples'].gt_depth) for data in map(dataset.__getitem__, range(len(dataset)))]
    return [pair for pair in pairs if 0.2 < pair[0]['history_ego2key'][0, :2, 3].norm() < 4]


def test_colours_of_a_rendered_drive_match_at_the_depth_of_the_lidar(driven_pairs):
    """Patches of 3 x 3 cells: the best depth is right to a bin of 1 m far more often than by the way back."""

    def patches(images):
        small = F.avg_pool2d(images.float(), STRIDE)
        return F.unfold(small, 3, padding=1).unflatten(-1, small.shape[-2:])

    depths, right = torch.arange(1.5, 45.0), {}
    for inputs, gt_depth in driven_pairs:
        cameras = ('cam2img', 'cam2ego', 'img_aug_matrix')
        now = {**{key: inputs[key][None] for key in cameras}, 'ego2key': torch.eye(4)[None]}
        way = inputs['history_ego2key']
        for name, ego2key in (('forward', way), ('backward', torch.linalg.inv(way))):
            before = {**{key: inputs[f'history_{key}'] for key in cameras}, 'ego2key': ego2key}
            motion = (value[0] for value in pixel_motion(now, before))
            maps = (patches(images) for images in (inputs['imgs'], inputs['history_imgs'][0]))
            cost = plane_sweep_cost(*maps, *motion, depths, STRIDE, outside=1e9)
            bins = depth_bin_targets(gt_depth, (1.0, 45.0, 1.0), STRIDE)
            cells = torch.where((bins >= 2) & (bins < 25))
            close = (cost.argmin(1) - bins).abs() <= 1
            right.setdefault(name, []).append(close[cells].float().mean().item())
    assert len(right['forward']) >= 3
    assert all(good > 1.7 * bad for good, bad in zip(right['forward'], right['backward']))
