"""Pinhole cameras: pixels to rays and points to pixels.

Shape letters: P points or pixels, ... any leading shape (batch, cameras).

Pixels: integer coordinates are pixel centres. Cameras look along +z, x to the right and y down.
"""

import torch
from torch import Tensor

from projects.compute.asynchronous import constant, inverse
from projects.compute.precision import full_precision


def scale_intrinsics(cam2img: Tensor, scale_x: float, scale_y: float) -> Tensor:
    r"""Intrinsics of the same camera after its image was resized.

    Pixel centres are integers, so a resize maps :math:`u' = s_x (u + 0.5) - 0.5`: the principal point moves by
    half a pixel more than a plain scaling would say.

    Args:
        cam2img (Tensor): Intrinsics. Shape (..., 3, 3).
        scale_x (float): New width over old width.
        scale_y (float): New height over old height.

    Returns:
        Tensor: Intrinsics of the resized image. Shape (..., 3, 3).
    """
    _check_matrix('cam2img', cam2img, 3)
    return matrix_product(constant(resize_matrix(scale_x, scale_y), cam2img).view(3, 3), cam2img)


def resize_matrix(scale_x: float, scale_y: float) -> list[float]:
    """The nine numbers, row by row, of the map from pixels of an image to those of the resized one."""
    return [scale_x, 0.0, 0.5 * scale_x - 0.5, 0.0, scale_y, 0.5 * scale_y - 0.5, 0.0, 0.0, 1.0]


def matrix_product(first: Tensor, second: Tensor) -> Tensor:
    """``first @ second`` of a few small matrices (..., n, n), which autocast does not round to half precision."""
    return (first[..., :, :, None] * second[..., None, :, :]).sum(dim=-2)


def image_pixels(size: tuple[int, int], device: torch.device | str | None = None) -> Tensor:
    """Coordinates (u, v) of all pixels of an image of ``size`` (h, w), row by row. Shape (h * w, 2), int64."""
    v, u = torch.meshgrid(torch.arange(size[0], device=device), torch.arange(size[1], device=device), indexing='ij')
    return torch.stack([u, v], dim=-1).reshape(-1, 2)


def pixels_to_rays(pixels: Tensor, cam2img: Tensor, cam2world: Tensor) -> tuple[Tensor, Tensor]:
    r"""Rays through pixels, in world coordinates.

    .. math:: o = t_{cam}, \quad d = A_{cam} K^{-1} (u, v, 1)^T \quad \text{for } cam2world = [A | t]

    The direction has camera z = 1, so the ray parameter ``t`` is the z-depth of the camera. ``cam2world`` may be any
    affine map (a BEV flip or scale included); directions are never normalised.

    Args:
        pixels (Tensor): Pixel coordinates (u, v). Shape (..., P, 2).
        cam2img (Tensor): Intrinsics. Shape (..., 3, 3).
        cam2world (Tensor): ``cam2world @ p_cam = p_world``. Shape (..., 4, 4).

    Returns:
        tuple[Tensor, Tensor]: ``rays_o`` and ``rays_d``, each of shape (..., P, 3), in the dtype of the matrices,
        under autocast as well.
    """
    _check_matrix('cam2img', cam2img, 3)
    _check_matrix('cam2world', cam2world, 4)
    with full_precision(pixels):
        pixels = pixels.to(cam2img.dtype)
        homogeneous = torch.cat([pixels, torch.ones_like(pixels[..., :1])], dim=-1)
        pixel2direction = cam2world[..., :3, :3] @ inverse(cam2img)
        rays_d = homogeneous @ pixel2direction.transpose(-1, -2)
        rays_o = cam2world[..., None, :3, 3].expand_as(rays_d)
    return rays_o, rays_d


def project_points(points: Tensor, cam2img: Tensor, world2cam: Tensor) -> tuple[Tensor, Tensor]:
    """Project points into an image.

    Args:
        points (Tensor): World points in metres. Shape (..., P, 3).
        cam2img (Tensor): Intrinsics. Shape (..., 3, 3).
        world2cam (Tensor): ``world2cam @ p_world = p_cam``. Shape (..., 4, 4).

    Returns:
        tuple[Tensor, Tensor]: Pixels (u, v) of shape (..., P, 2), and z-depth in metres of shape (..., P). Pixels of
        points with depth <= 0 have no meaning.
    """
    _check_matrix('cam2img', cam2img, 3)
    _check_matrix('world2cam', world2cam, 4)
    with full_precision(points):
        in_camera = points @ world2cam[..., :3, :3].transpose(-1, -2) + world2cam[..., None, :3, 3]
        in_image = in_camera @ cam2img.transpose(-1, -2)
        depth = in_camera[..., 2]
        tiny = torch.finfo(depth.dtype).tiny
        pixels = in_image[..., :2] / torch.where(depth.abs() < tiny, torch.full_like(depth, tiny), depth)[..., None]
    return pixels, depth


def _check_matrix(name: str, matrix: Tensor, size: int) -> None:
    if matrix.shape[-2:] != (size, size):
        raise ValueError(f'{name} must be (..., {size}, {size}), got {tuple(matrix.shape)}')
