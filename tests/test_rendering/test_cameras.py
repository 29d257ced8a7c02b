import pytest
import torch

from projects.rendering import pixels_to_rays, project_points, scale_intrinsics

CAM2IMG = torch.tensor([[100.0, 0.0, 49.5], [0.0, 80.0, 24.5], [0.0, 0.0, 1.0]])
# Camera looks along world +x, image x is world -y, image y is world -z, and sits at (1, 2, 3).
CAM2WORLD = torch.tensor([[0.0, 0.0, 1.0, 1.0], [-1.0, 0.0, 0.0, 2.0], [0.0, -1.0, 0.0, 3.0], [0.0, 0.0, 0.0, 1.0]])


def test_scaling_keeps_the_centre_of_the_image_in_the_centre():
    half = scale_intrinsics(CAM2IMG, 0.5, 0.5)
    # A 100 x 50 image has its centre at (49.5, 24.5), the 50 x 25 image at (24.5, 12).
    assert torch.allclose(half, torch.tensor([[50.0, 0.0, 24.5], [0.0, 40.0, 12.0], [0.0, 0.0, 1.0]]))


def test_scaled_pixel_sees_the_mean_of_the_pixels_it_replaces():
    world = torch.eye(4)
    _, large = pixels_to_rays(torch.tensor([[6.0, 8.0], [7.0, 9.0]]), CAM2IMG, world)
    _, small = pixels_to_rays(torch.tensor([[3.0, 4.0]]), scale_intrinsics(CAM2IMG, 0.5, 0.5), world)
    assert torch.allclose(large.mean(dim=0), small[0], atol=1e-6)


def test_ray_of_a_pixel_by_hand():
    rays_o, rays_d = pixels_to_rays(torch.tensor([[149.5, 24.5]]), CAM2IMG, CAM2WORLD)
    assert torch.allclose(rays_o, torch.tensor([[1.0, 2.0, 3.0]]))
    assert torch.allclose(rays_d, torch.tensor([[1.0, -1.0, 0.0]]), atol=1e-6)


def test_ray_parameter_is_z_depth_and_projection_is_the_inverse():
    torch.manual_seed(0)
    pixels = torch.rand(2, 7, 2) * 90
    cam2img, cam2world = CAM2IMG.expand(2, 3, 3), CAM2WORLD.expand(2, 4, 4)
    rays_o, rays_d = pixels_to_rays(pixels, cam2img, cam2world)
    t = torch.rand(2, 7) * 20 + 1
    back, depth = project_points(rays_o + t[..., None] * rays_d, cam2img, torch.linalg.inv(cam2world))
    assert torch.allclose(depth, t, atol=1e-4)
    assert torch.allclose(back, pixels, atol=1e-3)


def test_flip_of_the_world_mirrors_the_ray():
    flip = torch.diag(torch.tensor([1.0, -1.0, 1.0, 1.0]))
    pixel = torch.tensor([[149.5, 24.5]])
    rays_o, rays_d = pixels_to_rays(pixel, CAM2IMG, flip @ CAM2WORLD)
    assert torch.allclose(rays_o, torch.tensor([[1.0, -2.0, 3.0]]))
    assert torch.allclose(rays_d, torch.tensor([[1.0, 1.0, 0.0]]), atol=1e-6)


def test_rays_do_not_lose_precision_under_autocast():
    pixels = torch.rand(50, 2) * 90
    with torch.autocast('cpu', dtype=torch.bfloat16):
        _, rays_d = pixels_to_rays(pixels, CAM2IMG, CAM2WORLD)
    assert rays_d.dtype == torch.float32
    assert torch.equal(rays_d, pixels_to_rays(pixels, CAM2IMG, CAM2WORLD)[1])


def test_wrong_matrix_is_named():
    with pytest.raises(ValueError, match='cam2world must be'):
        pixels_to_rays(torch.zeros(1, 2), CAM2IMG, torch.eye(3))
