"""Crops, resizing and flips that keep a rectified pair rectified. H x W image.

Integer pixel coordinates are pixel centres. Both images always get the same window.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.depth_eval import KB_HEIGHT, KB_WIDTH, kb_crop_offset
from projects.transforms import resize_matrix
from projects.transforms.extra_keys import checked_keys, require_keys
from projects.transforms.random_draws import coin, uniform
from projects.transforms.sizes import checked_size

IMAGES = ('img', 'right_img')
MAPS = ('gt_depth', 'right_gt_depth', 'gt_depth_dense', 'right_gt_depth_dense')
_INTRINSICS = ('cam2img', 'right_cam2img')
_PAIRS = (
    ('img', 'right_img'),
    ('gt_depth', 'right_gt_depth'),
    ('gt_depth_dense', 'right_gt_depth_dense'),
    ('cam2img', 'right_cam2img'),
)


class FrameTransform(BaseTransform):
    """Parent of the transforms that change the pixels of a whole frame.

    Args:
        extra_images (Sequence[str]): Keys of further images (H, W, 3) of the left camera, which must be there and are
            changed like ``img``. Defaults to ().
        extra_maps (Sequence[str]): Keys of further sparse maps (H, W) of the left camera, changed like ``gt_depth``
            when they are there. Defaults to ().
    """

    def __init__(self, extra_images: Sequence[str] = (), extra_maps: Sequence[str] = ()) -> None:
        name = type(self).__name__
        self.extra_images = checked_keys(extra_images, f'extra_images of {name}', (*IMAGES, *MAPS))
        taken = (*IMAGES, *MAPS, *self.extra_images)
        self.extra_maps = checked_keys(extra_maps, f'extra_maps of {name}', taken)

    def images(self, results: dict) -> list[str]:
        """Keys of the images of a frame.

        Raises:
            ValueError: If one of ``extra_images`` is missing; names it.
        """
        require_keys(results, self.extra_images, f'extra_images of {type(self).__name__}')
        return [key for key in (*IMAGES, *self.extra_images) if key in results]

    def maps(self, results: dict) -> list[str]:
        """Keys of the maps of a frame."""
        return [key for key in (*MAPS, *self.extra_maps) if key in results]

    def crop(self, results: dict, top: int, left: int, height: int, width: int) -> dict:
        """Cut one window out of all images and maps, and move the principal points."""
        for key in (*self.images(results), *self.maps(results)):
            results[key] = np.ascontiguousarray(results[key][top : top + height, left : left + width])
        for key in _INTRINSICS:
            results[key] = results[key].copy()
            results[key][:2, 2] -= left, top
        offset = results['crop_offset']
        results['crop_offset'] = (offset[0] + top, offset[1] + left)
        results['img_shape'] = (height, width)
        return results


@TRANSFORMS.register_module()
class KBCrop(FrameTransform):
    """Crop images and maps to 352x1216 as the KITTI benchmark does: the bottom of the image, centred.

    Images that have this size already stay as they are. See :class:`FrameTransform` for the arguments.
    """

    def transform(self, results: dict) -> dict:
        """Crop.

        Raises:
            ValueError: If the image is smaller.
        """
        top, left = kb_crop_offset(*results['img_shape'])
        return self.crop(results, top, left, KB_HEIGHT, KB_WIDTH)


@TRANSFORMS.register_module()
class StereoCrop(FrameTransform):
    """Cut the same random window out of both images.

    Args:
        size (tuple[int, int]): Height and width of the window in pixels.
        extra_images (Sequence[str]): See :class:`FrameTransform`. Defaults to ().
        extra_maps (Sequence[str]): See :class:`FrameTransform`. Defaults to ().
    """

    def __init__(self, size: tuple[int, int], extra_images: Sequence[str] = (), extra_maps: Sequence[str] = ()) -> None:
        super().__init__(extra_images, extra_maps)
        self.size = checked_size(size, 'size of StereoCrop')

    def transform(self, results: dict) -> dict:
        """Crop.

        Raises:
            ValueError: If the image is smaller than the window.
        """
        (height, width), (rows, columns) = self.size, results['img_shape']
        if height > rows or width > columns:
            raise ValueError(
                f'StereoCrop of {height}x{width} does not fit into the image of {rows}x{columns} of frame '
                f'{results["frame_id"]}; choose a smaller size'
            )
        top, left = int(uniform(0, rows - height + 1)), int(uniform(0, columns - width + 1))
        return self.crop(results, top, left, height, width)


@TRANSFORMS.register_module()
class StereoResize(FrameTransform):
    """Resize images and intrinsics; of the maps the nearest valid value of each target pixel is kept.

    Args:
        size (tuple[int, int]): New height and width in pixels; both scales are exact, so the ratio may change.
        extra_images (Sequence[str]): See :class:`FrameTransform`. Defaults to ().
        extra_maps (Sequence[str]): See :class:`FrameTransform`. Defaults to ().
    """

    def __init__(self, size: tuple[int, int], extra_images: Sequence[str] = (), extra_maps: Sequence[str] = ()) -> None:
        super().__init__(extra_images, extra_maps)
        self.size = checked_size(size, 'size of StereoResize')

    def transform(self, results: dict) -> dict:
        """Resize."""
        (height, width), (rows, columns) = self.size, results['img_shape']
        scale_y, scale_x = height / rows, width / columns
        mode = cv2.INTER_AREA if scale_x < 1 else cv2.INTER_LINEAR
        for key in self.images(results):
            results[key] = cv2.resize(results[key], (width, height), interpolation=mode)
        for key in self.maps(results):
            results[key] = resize_sparse(results[key], self.size)
        for key in _INTRINSICS:
            results[key] = resize_matrix(scale_x, scale_y) @ results[key]
        results['img_shape'] = self.size
        return results


def resize_sparse(depth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a sparse map (H, W): a shrunk map keeps the nearest depth that falls into a pixel, a grown one repeats."""
    (height, width), (rows, columns) = size, depth.shape
    if height > rows or width > columns:
        return cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST)
    row, column = np.nonzero(depth)
    target = np.full(size, np.inf, np.float32)
    np.minimum.at(target, (row * height // rows, column * width // columns), depth[row, column])
    return np.where(np.isinf(target), np.float32(0), target)


@TRANSFORMS.register_module()
class StereoFlip(FrameTransform):
    """Mirror the frame; the cameras of a pair are swapped so that disparities stay positive.

    The mirrored right image becomes the left one, with the truth and the intrinsics of the right camera. A pair whose
    right camera has no map where the left one has one (DrivingStereo) cannot be flipped and stays as it is, and so does
    a pair with further images or maps of the left camera alone. A frame without a right image is mirrored alone.

    Args:
        prob (float): Share of frames that are flipped. Defaults to 0.5.
        extra_images (Sequence[str]): See :class:`FrameTransform`. Defaults to ().
        extra_maps (Sequence[str]): See :class:`FrameTransform`. Defaults to ().
    """

    def __init__(self, prob: float = 0.5, extra_images: Sequence[str] = (), extra_maps: Sequence[str] = ()) -> None:
        super().__init__(extra_images, extra_maps)
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Flip by chance."""
        if not coin(self.prob):
            return results
        images, maps = self.images(results), self.maps(results)
        if 'right_img' in results:
            one_sided = {*self.extra_images, *self.extra_maps} & {*images, *maps}
            if one_sided or any((left in results) != (right in results) for left, right in _PAIRS):
                return results
            for left, right in _PAIRS:
                if left in results:
                    results[left], results[right] = results[right], results[left]
        for key in (*images, *maps):
            results[key] = np.ascontiguousarray(results[key][:, ::-1])
        for key in _INTRINSICS:
            results[key] = results[key].copy()
            results[key][0, 2] = results['img_shape'][1] - 1 - results[key][0, 2]
        results['flipped'] = not results['flipped']
        return results
