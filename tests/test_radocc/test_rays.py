import pytest
import torch
from mmdet3d.registry import MODELS

from projects.radocc import CameraRaySampler, full_image_rays
from projects.rendering import project_points, scale_intrinsics

SIZE = (16, 24)


def reproject(rays, inputs, bda_mat, batch):
    """Pixels at render size that the rays of one sample come from."""
    pixels = []
    points = rays['rays_o'][batch] + 3.0 * rays['rays_d'][batch]
    for camera in range(2):
        world2cam = torch.linalg.inv(bda_mat @ inputs['cam2ego'][batch, camera])
        cam2img = scale_intrinsics(inputs['cam2img'][batch, camera], 0.5, 0.5)
        found, depth = project_points(points, cam2img, world2cam)
        pixels.append((found, depth))
    chosen = rays['cam_ids'][batch]
    both = torch.stack([pixel for pixel, _ in pixels])[chosen, torch.arange(len(chosen))]
    depth = torch.stack([d for _, d in pixels])[chosen, torch.arange(len(chosen))]
    return both, depth


def test_rays_project_back_to_their_pixels_and_t_is_z_depth(make_batch):
    torch.manual_seed(0)
    inputs, samples = make_batch()
    rays = CameraRaySampler(num_rays=51, render_size=SIZE)(inputs, samples)
    assert rays['rays_o'].shape == rays['rays_d'].shape == (2, 51, 3)
    for batch in range(2):
        pixels, depth = reproject(rays, inputs, torch.eye(4), batch)
        assert torch.allclose(pixels, rays['pixels'][batch], atol=1e-3)
        assert torch.allclose(depth, torch.full((51,), 3.0), atol=1e-4)


def test_bev_flip_rotation_and_scale_move_the_rays(make_batch):
    torch.manual_seed(0)
    inputs, samples = make_batch()
    rotation = torch.tensor([[0.8, -0.6, 0.0, 0.0], [0.6, 0.8, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    flip_and_scale = torch.diag(torch.tensor([1.1, -1.1, 1.1, 1.0]))
    inputs['bda_mat'][1] = rotation @ flip_and_scale
    rays = CameraRaySampler(num_rays=40, render_size=SIZE)(inputs, samples)
    pixels, depth = reproject(rays, inputs, inputs['bda_mat'][1], 1)
    assert torch.allclose(pixels, rays['pixels'][1], atol=1e-3)
    assert torch.allclose(depth, torch.full((40,), 3.0), atol=1e-4)
    # A mirrored frame: the second sample's forward camera looks along (0.8, 0.6), its origin is scaled too.
    assert torch.allclose(rays['rays_o'][1, 0], torch.tensor([0.55 * 0.8, 0.55 * 0.6, 0.33]), atol=1e-5)


def test_image_augmentation_does_not_touch_the_rays(make_batch):
    inputs, samples = make_batch()
    sampler = CameraRaySampler(num_rays=20, render_size=SIZE)
    torch.manual_seed(0)
    plain = sampler(inputs, samples)
    inputs['img_aug_matrix'] = torch.diag(torch.tensor([-0.5, 0.5, 1.0])).expand(2, 2, 3, 3)
    torch.manual_seed(0)
    augmented = sampler(inputs, samples)
    assert torch.equal(plain['rays_d'], augmented['rays_d'])


def test_the_draw_follows_the_torch_seed_and_changes_from_step_to_step(make_batch):
    inputs, samples = make_batch()
    sampler = CameraRaySampler(num_rays=20, render_size=SIZE)
    torch.manual_seed(3)
    first, second = sampler(inputs, samples), sampler(inputs, samples)
    torch.manual_seed(3)
    again = sampler(inputs, samples)
    assert torch.equal(first['pixels'], again['pixels'])
    assert not torch.equal(first['pixels'], second['pixels'])


def test_cameras_get_equally_many_rays_and_pixels_stay_in_the_image(make_batch):
    inputs, samples = make_batch()
    rays = CameraRaySampler(num_rays=1001, render_size=SIZE)(inputs, samples)
    counts = torch.bincount(rays['cam_ids'][0])
    assert counts.sum() == 1001
    assert counts.max() - counts.min() <= 1
    assert rays['pixels'].amin() == 0
    assert rays['pixels'][..., 0].max() == 23
    assert rays['pixels'][..., 1].max() == 15


def test_rays_are_exact_under_autocast(make_batch):
    inputs, samples = make_batch()
    inputs['bda_mat'][:, 0, 0] = 1.0123
    sampler = CameraRaySampler(num_rays=20, render_size=SIZE)
    torch.manual_seed(0)
    exact = sampler(inputs, samples)
    torch.manual_seed(0)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rounded = sampler(inputs, samples)
    assert torch.equal(exact['rays_d'], rounded['rays_d'])
    assert torch.equal(exact['rays_o'], rounded['rays_o'])


def test_lidar_depth_rays_start_at_pixels_with_depth_whatever_the_augmentation(make_batch):
    torch.manual_seed(0)
    # Network image 20 x 30: raw pixels times 0.5, then mirrored in x. Depth at network pixels (3, 4) and (10, 12).
    depth = torch.zeros(2, 2, 20, 30)
    depth[:, 0, 4, 3], depth[:, 1, 12, 10], depth[:, 1, 0, 0] = 7.0, 9.0, 60.0
    inputs, samples = make_batch(gt_depth=depth)
    augment = torch.tensor([[-0.5, 0.0, 23.0], [0.0, 0.5, -0.25], [0.0, 0.0, 1.0]])
    inputs['img_aug_matrix'] = augment.expand(2, 2, 3, 3)
    rays = CameraRaySampler(num_rays=2, render_size=SIZE, source='lidar_depth')(inputs, samples)
    # Raw u = (23 - 3) / 0.5 = 40, v = (4 + 0.25) / 0.5 = 8.5; at half size u = (40 + 0.5) / 2 - 0.5 = 19.75, v = 4.
    expected = {0: [19.75, 4.0], 1: [12.75, 12.0]}
    for batch in range(2):
        found = {int(c): p.tolist() for c, p in zip(rays['cam_ids'][batch], rays['pixels'][batch])}
        assert found == expected
        pixels, _ = reproject(rays, inputs, torch.eye(4), batch)
        assert torch.allclose(pixels, rays['pixels'][batch], atol=1e-3)


def test_lidar_depth_fills_up_when_there_are_too_few_points(make_batch):
    inputs, samples = make_batch(gt_depth=torch.zeros(2, 2, 20, 30))
    rays = CameraRaySampler(num_rays=30, render_size=SIZE, source='lidar_depth')(inputs, samples)
    assert rays['rays_d'].isfinite().all()
    assert len(torch.unique(rays['pixels'][0], dim=0)) > 20


def test_segment_ids_are_read_at_the_pixels(make_batch):
    torch.manual_seed(0)
    segments = torch.arange(2 * 2 * 16 * 24, dtype=torch.int32).view(2, 2, 16, 24)
    inputs, samples = make_batch(segments=segments)
    rays = CameraRaySampler(num_rays=30, render_size=SIZE)(inputs, samples)
    u, v = rays['pixels'].long().unbind(-1)
    batch = torch.arange(2)[:, None]
    assert torch.equal(rays['segment_ids'], segments[batch, rays['cam_ids'], v, u].long())


def test_missing_segments_are_left_out_or_named(make_batch):
    inputs, samples = make_batch()
    assert 'segment_ids' not in CameraRaySampler(num_rays=4, render_size=SIZE)(inputs, samples)
    with pytest.raises(ValueError, match='token0'):
        CameraRaySampler(num_rays=4, render_size=SIZE, require_segments=True)(inputs, samples)


def test_segments_of_another_size_are_named(make_batch):
    inputs, samples = make_batch(segments=torch.zeros(2, 2, 8, 24, dtype=torch.int32))
    with pytest.raises(ValueError, match=r'8 x 24, .*leave `render_size` of the sampler.*LoadImageSegments'):
        CameraRaySampler(num_rays=4, render_size=SIZE)(inputs, samples)


def test_segments_of_two_sizes_are_named(make_batch):
    inputs, samples = make_batch(segments=[torch.zeros(2, 8, 24), torch.zeros(2, 16, 24)])
    with pytest.raises(ValueError, match=r'differ in shape: \[\(2, 8, 24\), \(2, 16, 24\)\]'):
        CameraRaySampler(num_rays=4)(inputs, samples)


def test_render_size_is_that_of_the_segments(make_batch):
    inputs, samples = make_batch(segments=torch.randint(1, 9, (2, 2, *SIZE), dtype=torch.int32))
    torch.manual_seed(3)
    said = CameraRaySampler(num_rays=20, render_size=SIZE)(inputs, samples)
    torch.manual_seed(3)
    found = CameraRaySampler(num_rays=20)(inputs, samples)
    assert said.pop('num_cams') == found.pop('num_cams') == 2
    assert all(torch.equal(said[name], found[name]) for name in said)


def test_render_size_without_segments_is_225_x_400(make_batch):
    """Of 20,000 pixels some lie in the last fifth of each direction and none outside; the images are 32 x 48."""
    inputs, samples = make_batch()
    u, v = CameraRaySampler(num_rays=20000)(inputs, samples)['pixels'].unbind(-1)
    assert 320 < u.max() < 400
    assert 180 < v.max() < 225


def test_missing_fields_are_named(make_batch):
    inputs, samples = make_batch()
    with pytest.raises(ValueError, match='gt_depth'):
        CameraRaySampler(num_rays=4, render_size=SIZE, source='lidar_depth')(inputs, samples)
    del samples[1].metainfo['ori_shape']
    with pytest.raises(ValueError, match='token1 has no metainfo ori_shape'):
        CameraRaySampler(num_rays=4, render_size=SIZE)(inputs, samples)
    with pytest.raises(ValueError, match='bda_mat'):
        CameraRaySampler(num_rays=4, render_size=SIZE)({'cam2img': inputs['cam2img']}, samples)


@pytest.mark.parametrize('options', [{'num_rays': 4, 'source': 'sky'}, {'num_rays': 0}])
def test_bad_options_are_rejected(options):
    with pytest.raises(ValueError, match='must be'):
        CameraRaySampler(**options)


def test_all_rays_of_a_camera_go_row_by_row(make_batch):
    inputs, samples = make_batch()
    rays = full_image_rays(inputs, samples, camera=1, render_size=SIZE)
    assert rays['rays_o'].shape == (2, 16 * 24, 3)
    rays['cam_ids'] = torch.ones(2, 16 * 24, dtype=torch.long)
    pixels, _ = reproject(rays, inputs, torch.eye(4), 0)
    assert torch.allclose(pixels[25], torch.tensor([1.0, 1.0]), atol=1e-3)
    assert torch.allclose(pixels[-1], torch.tensor([23.0, 15.0]), atol=1e-3)


def test_rays_and_their_samples_are_tensors_without_gradient(make_batch, geometry):
    inputs, samples = make_batch(segments=torch.zeros(2, 2, 16, 24, dtype=torch.int32))
    sampler = MODELS.build({'type': 'CameraRaySampler', 'num_rays': 8, 'render_size': SIZE, 'geometry': geometry})
    rays = sampler(inputs, samples)
    assert (rays.pop('num_cams'), rays.pop('voxel_size')) == (2, pytest.approx(0.4))
    read = {name: value for name, value in vars(rays.pop('samples')).items() if value is not None}
    assert 'sample_base' in read
    assert all(isinstance(value, torch.Tensor) and not value.requires_grad for value in {**rays, **read}.values())


def test_jitter_moves_samples_in_training_only(make_batch, geometry):
    inputs, samples = make_batch()
    sampler = CameraRaySampler(num_rays=8, render_size=SIZE, geometry=dict(geometry, jitter=True))
    assert sampler(inputs, samples)['samples'].t_starts.shape == (16, 24)
    assert sampler.eval()(inputs, samples)['samples'].t_starts.shape == (1, 24)
