import pytest
import torch
from mmdet3d.registry import MODELS

from projects.radocc import CameraRaySampler, VolumeRenderingConnector
from projects.rendering import VoxelGrid, render_occupancy_rays

SIZE = (16, 24)


def test_neck_equals_the_rendering_function(make_batch, geometry):
    torch.manual_seed(0)
    inputs, samples = make_batch()
    logits = torch.randn(2, 20, 20, 8, 5)
    rays = CameraRaySampler(num_rays=30, render_size=SIZE, geometry=geometry)(inputs, samples)
    rendered = VolumeRenderingConnector(density_scale=2.0)(logits, rays)
    grid = VoxelGrid(geometry['point_cloud_range'], geometry['grid_size'])
    expected = render_occupancy_rays(logits, rays['rays_o'], rays['rays_d'], grid, (0.0, 6.0), 0.25, density_scale=2.0)
    assert set(rendered) == {'weights', 'depths', 'semantics', 'opacities'}
    assert all(torch.equal(value, expected.as_dict()[name]) for name, value in rendered.items())
    assert rendered['weights'].shape == (2, 30, 24)
    assert rendered['semantics'].shape == (2, 30, 4)


def test_probabilities_are_read_with_the_voxel_size_of_the_rays(make_batch, geometry):
    inputs, samples = make_batch()
    geometry.update(point_cloud_range=[-8, -8, -3.2, 8, 8, 3.2])
    logits = torch.randn(2, 20, 20, 8, 5)
    rays = CameraRaySampler(num_rays=30, render_size=SIZE, geometry=geometry)(inputs, samples)
    grid = VoxelGrid(geometry['point_cloud_range'], geometry['grid_size'])
    drawn = rays['rays_o'], rays['rays_d']
    expected = render_occupancy_rays(logits, *drawn, grid, (0.0, 6.0), 0.25, density='prob')
    neck = VolumeRenderingConnector(density='prob')
    assert torch.equal(neck(logits, rays)['weights'], expected.weights)
    other = VolumeRenderingConnector(density='prob', voxel_size=0.4)
    assert not torch.equal(other(logits, rays)['weights'], expected.weights)
    del rays['voxel_size']
    with pytest.raises(ValueError, match="density='prob' needs voxel_size"):
        neck(logits, rays)


def test_prepared_and_unprepared_rays_render_the_same_in_chunks_or_not(make_batch, geometry):
    torch.manual_seed(0)
    inputs, samples = make_batch()
    logits = torch.randn(2, 20, 20, 8, 5)
    rays = CameraRaySampler(num_rays=30, render_size=SIZE)(inputs, samples)
    whole = VolumeRenderingConnector(geometry=geometry)(logits, rays)
    parts = VolumeRenderingConnector(geometry=geometry, chunk=7)(logits, rays)
    assert all(torch.allclose(whole[name], parts[name]) for name in whole)
    prepared = CameraRaySampler(num_rays=30, render_size=SIZE, geometry=geometry).geometry
    rays['samples'] = prepared(rays['rays_o'], rays['rays_d'])
    assert torch.equal(VolumeRenderingConnector()(logits, rays)['weights'], whole['weights'])


def test_both_models_are_rendered_along_the_same_rays(make_batch, geometry):
    torch.manual_seed(0)
    inputs, samples = make_batch()
    rays = CameraRaySampler(num_rays=30, render_size=SIZE, geometry=geometry)(inputs, samples)
    neck = VolumeRenderingConnector()
    logits = torch.randn(2, 20, 20, 8, 5)
    with torch.no_grad():
        teacher = neck(logits, rays)
    student = neck(logits.clone().requires_grad_(), rays)
    assert all(torch.equal(student[name], teacher[name]) for name in teacher)
    # Rays drawn again are other rays, so equal logits no longer render equally.
    other = neck(logits, CameraRaySampler(num_rays=30, render_size=SIZE, geometry=geometry)(inputs, samples))
    assert not torch.allclose(other['weights'], teacher['weights'])


def test_a_flipped_world_renders_the_same_distributions(make_batch, geometry):
    inputs, samples = make_batch()
    torch.manual_seed(0)
    logits = torch.randn(2, 20, 20, 8, 5)
    sampler, neck = CameraRaySampler(num_rays=30, render_size=SIZE, geometry=geometry), VolumeRenderingConnector()
    torch.manual_seed(1)
    plain = neck(logits, sampler(inputs, samples))
    inputs['bda_mat'] = torch.diag(torch.tensor([1.0, -1.0, 1.0, 1.0])).expand(2, 4, 4)
    torch.manual_seed(1)
    flipped = neck(logits.flip(2), sampler(inputs, samples))
    assert torch.allclose(plain['weights'], flipped['weights'], atol=1e-4)
    assert torch.allclose(plain['semantics'], flipped['semantics'], atol=1e-3)


def test_unprepared_rays_without_geometry_are_an_error():
    rays = {'rays_o': torch.zeros(1, 2, 3), 'rays_d': torch.ones(1, 2, 3)}
    with pytest.raises(ValueError, match='set `geometry`'):
        VolumeRenderingConnector()(torch.zeros(1, 2, 2, 2, 3), rays)


def test_neck_is_registered_and_has_no_parameters(geometry):
    neck = MODELS.build({'type': 'VolumeRenderingConnector', 'geometry': geometry})
    assert not list(neck.parameters())
    assert not neck.state_dict()


def test_geometry_chooses_the_field_that_is_rendered(make_batch, geometry):
    torch.manual_seed(0)
    inputs, samples = make_batch()
    logits = torch.randn(2, 20, 20, 8, 5)
    rays = CameraRaySampler(num_rays=30, render_size=SIZE, geometry={**geometry, 'field': 'voxel'})(inputs, samples)
    rendered = VolumeRenderingConnector()(logits, rays)
    grid = VoxelGrid(geometry['point_cloud_range'], geometry['grid_size'])
    line = (rays['rays_o'], rays['rays_d'], grid, (0.0, 6.0), 0.25)
    assert torch.equal(rendered['depths'], render_occupancy_rays(logits, *line, field='voxel').depths)
    assert not torch.allclose(rendered['depths'], render_occupancy_rays(logits, *line).depths, atol=0.01)
    with pytest.raises(ValueError, match="'nearest'"):
        CameraRaySampler(num_rays=30, geometry={**geometry, 'field': 'nearest'})
