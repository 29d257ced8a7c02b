import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from projects.occupancy.models import CameraAwareDepthNet, LSSViewTransform
from projects.occupancy.models.view_transforms import frustum_rays
from projects.occupancy.models.view_transforms.depth_net import camera_parameters

RANGE = [-40.0, -40.0, -1.0, 40.0, 40.0, 5.4]


def transform(**overrides):
    cfg = {
        'in_channels': 4,
        'out_channels': 2,
        'point_cloud_range': RANGE,
        'grid_size': [200, 200, 1],
        'downsample': 8,
        'depth_range': (1.0, 45.0, 0.5),
    }
    return LSSViewTransform(**{**cfg, **overrides})


def matrices(calibration):
    return [calibration[key] for key in ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')]


def one_hot_depth(view, feature, bin_index):
    """Depth of one bin at one cell of the feature map (row, column) of camera 0, and a context of ones there."""
    depth = torch.zeros(1, view.num_depths, 4, 8)
    depth[0, bin_index, feature[0], feature[1]] = 1
    return depth, torch.ones(1, view.out_channels, 4, 8)


def test_frustum_pixels_are_the_centres_of_the_cells():
    pixels = transform().frustum_pixels(2, 3, torch.zeros(()))
    assert pixels[0, :, 0].tolist() == [3.5, 11.5, 19.5]
    assert pixels[:, 0, 1].tolist() == [3.5, 11.5]


def test_legacy_frustum_spreads_from_the_first_to_the_last_pixel_and_starts_at_the_near_side():
    view = transform(legacy_frustum=True)
    assert view.frustum_pixels(2, 3, torch.zeros(()))[0, :, 0].tolist() == [0.0, 11.5, 23.0]
    assert view.depth_values[:2].tolist() == [1.0, 1.5]
    assert transform().depth_values[:2].tolist() == [1.25, 1.75]


def test_rays_project_back_to_their_pixels_under_both_augmentations(make_calibration):
    calibration = make_calibration(2, 3, 32, 64)
    calibration['img_aug_matrix'] = torch.eye(3).repeat(2, 3, 1, 1)
    calibration['img_aug_matrix'][..., :2, :] = torch.tensor([[-0.5, 0.1, 40.0], [0.05, 0.6, -3.0]])
    calibration['bda_mat'][0] = torch.diag(torch.tensor([1.0, -1, 1, 1]))
    cam2img, cam2ego, aug, bda = matrices(calibration)
    pixels = 30 * torch.rand(2, 5, 2)
    rays, origins = frustum_rays(pixels, cam2img, cam2ego, aug, bda)
    points = origins[:, :, None, None] + 7.0 * rays
    ones = torch.ones_like(points[..., :1])
    camera = torch.einsum('bnij,bnhwj->bnhwi', torch.linalg.inv(bda[:, None] @ cam2ego), torch.cat([points, ones], -1))
    torch.testing.assert_close(camera[..., 2], torch.full_like(camera[..., 2], 7.0))
    back = torch.einsum('bnij,bnhwj->bnhwi', aug @ cam2img, camera[..., :3] / camera[..., 2:3])
    torch.testing.assert_close(back[..., :2], pixels.expand(2, 3, 2, 5, 2), atol=1e-3, rtol=1e-4)


def test_feature_lands_where_the_camera_looks_at_its_depth(make_calibration):
    view = transform()
    calibration = make_calibration(1, 2, 32, 64)
    calibration = {key: value[:, 1:] if key != 'bda_mat' else value for key, value in calibration.items()}
    # CAM_FRONT at 1.5 m height looks along +x with 90 degrees over 64 pixels. Cell (row 2, column 5) is pixel
    # (43.5, 19.5); at z-depth 11.25 m (bin 20): x = 11.25, y = -(43.5 - 31.5) / 32 * 11.25 = -4.21875.
    bev = view.splat(*one_hot_depth(view, (2, 5), 20), calibration)
    assert bev.shape == (1, 2, 200, 200)
    assert bev[0, 0].nonzero().tolist() == [[int((-4.21875 + 40) / 0.4), int((11.25 + 40) / 0.4)]]


def test_bev_augmentation_moves_the_feature(make_calibration):
    view = transform()
    calibration = make_calibration(1, 1, 32, 64)
    plain = view.splat(*one_hot_depth(view, (2, 5), 20), calibration)
    calibration['bda_mat'] = torch.diag(torch.tensor([1.0, -1, 1, 1]))[None]
    flipped = view.splat(*one_hot_depth(view, (2, 5), 20), calibration)
    assert plain.sum() > 0
    assert torch.equal(flipped, plain.flip(2))


def test_voxels_and_collapsed_bev_hold_the_same_numbers(make_calibration):
    calibration = make_calibration(2, 2, 32, 64)
    feats = torch.randn(2, 2, 4, 4, 8)
    bev_view = transform(grid_size=[20, 30, 4])
    voxel_view = transform(grid_size=[20, 30, 4], collapse_z=False)
    voxel_view.load_state_dict(bev_view.state_dict())
    bev, logits = bev_view(feats, calibration)
    voxels, _ = voxel_view(feats, calibration)
    assert voxels.shape == (2, 2, 20, 30, 4)
    assert bev.shape == (2, 4 * 2, 30, 20)
    assert logits.shape == (4, 88, 4, 8)
    torch.testing.assert_close(bev.view(2, 4, 2, 30, 20).permute(0, 2, 4, 3, 1), voxels)


def test_gradients_reach_the_depth_and_the_context_layers(make_calibration):
    view = transform()
    feats = torch.randn(1, 2, 4, 4, 8)
    bev, _ = view(feats, make_calibration(1, 2, 32, 64))
    (bev * torch.randn_like(bev)).sum().backward()
    assert view.depth_net.weight.grad[: view.num_depths].abs().sum() > 0
    assert view.depth_net.weight.grad[view.num_depths :].abs().sum() > 0


def test_autocast_keeps_geometry_and_pooling_in_float32(make_calibration):
    view = transform()
    feats, calibration = torch.randn(1, 2, 4, 4, 8), make_calibration(1, 2, 32, 64)
    with torch.autocast('cpu', torch.bfloat16):
        bev, logits = view(feats, calibration)
    exact, _ = view(feats, calibration)
    assert bev.dtype == torch.float32
    assert logits.dtype == torch.bfloat16
    assert torch.equal(bev != 0, exact != 0)
    torch.testing.assert_close(bev, exact, atol=2e-2, rtol=2e-2)


def test_camera_parameters_describe_the_camera_after_both_augmentations(make_calibration):
    calibration = make_calibration(1, 2, 32, 64)
    calibration['img_aug_matrix'] = calibration['img_aug_matrix'] @ torch.diag(torch.tensor([0.5, 0.5, 1.0]))
    params = camera_parameters(*matrices(calibration), width=64)
    assert params.shape == (2, 18)
    assert params[0, 0].item() == pytest.approx(0.5 * 32 / 64)  # focal length of 16 pixels in widths
    assert params[0, 6 + 11].item() == pytest.approx(1.5)  # height above the ground


def test_depth_depends_on_the_camera_only_in_the_camera_aware_network(make_calibration):
    net = CameraAwareDepthNet(4, num_depths=6, context_channels=2, mid_channels=8, num_blocks=1).eval()
    x, cameras = torch.randn(1, 4, 3, 5).expand(2, -1, -1, -1), torch.randn(2, 18)
    depth, context = net(x, cameras)
    assert depth.shape == (2, 6, 3, 5)
    assert context.shape == (2, 2, 3, 5)
    assert not torch.allclose(depth[0], depth[1])


def test_depth_loss_asks_for_the_depth_map(make_batch):
    view = transform(loss_depth={'type': 'LiDARDepthLoss'})
    samples = make_batch(B=1)['data_samples']
    losses = view.loss(torch.randn(2, 88, 4, 8), samples)
    assert set(losses) == {'loss_depth'}
    del samples[0].gt_depth
    with pytest.raises(ValueError, match='sample token-0 lacks'):
        view.loss(torch.randn(2, 88, 4, 8), samples)


def test_splat_stays_on_the_device_of_the_inputs():
    view = transform(grid_size=[20, 20, 4])
    with FakeTensorMode(shape_env=ShapeEnv()), torch.no_grad():
        view.depth_values = torch.rand(88, device='cuda')
        shapes = {
            'cam2img': (1, 2, 3, 3),
            'cam2ego': (1, 2, 4, 4),
            'img_aug_matrix': (1, 2, 3, 3),
            'bda_mat': (1, 4, 4),
        }
        calibration = {key: torch.rand(shape, device='cuda') for key, shape in shapes.items()}
        depth, context = torch.rand(2, 88, 4, 8, device='cuda'), torch.rand(2, 2, 4, 8, device='cuda')
        bev = view.splat(depth, context, calibration)
        assert bev.device.type == 'cuda'
        assert bev.shape == (1, 8, 20, 20)
