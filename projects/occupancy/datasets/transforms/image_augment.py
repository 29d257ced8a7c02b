"""Augmentation of multi-view images. N cameras, H x W raw size, fH x fW size of the network input.

Integer pixel coordinates are pixel centres: resizing by ``s`` maps ``u`` to ``s * (u + 0.5) - 0.5``.
"""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.transforms import resize_matrix
from projects.transforms.random_draws import coin, uniform
from projects.transforms.sizes import checked_size


def crop_flip_rotate_matrix(crop: tuple[int, int], size: tuple[int, int], flip: bool, degrees: float) -> np.ndarray:
    """Homogeneous pixel map (3, 3) of a crop, then a horizontal flip, then a rotation about the crop's centre.

    Args:
        crop (tuple[int, int]): Left and top of the crop, in pixels; may be negative (padding).
        size (tuple[int, int]): Width and height of the crop.
        flip (bool): Whether to mirror left and right.
        degrees (float): Angle, counter-clockwise as seen on the picture.
    """
    (left, top), (width, height) = crop, size
    matrix = np.array([[1.0, 0, -left], [0, 1.0, -top], [0, 0, 1.0]])
    if flip:
        matrix = np.array([[-1.0, 0, width - 1.0], [0, 1.0, 0], [0, 0, 1.0]]) @ matrix
    if degrees:
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        cx, cy = (width - 1) / 2, (height - 1) / 2
        # The v axis points down, so a counter-clockwise turn on the picture has +sin in the first row.
        turn = np.array([[cos, sin, cx - cos * cx - sin * cy], [-sin, cos, cy + sin * cx - cos * cy], [0, 0, 1.0]])
        matrix = turn @ matrix
    return matrix


@TRANSFORMS.register_module()
class MultiViewImageAug(BaseTransform):
    """Resize, crop, flip and rotate each view, and keep the exact pixel map.

    The policy is the one of BEVDet (arXiv:2112.11790): scale ``max(fW / W, fH / H) + uniform(resize_lim)``, a crop that
    keeps the bottom of the image, a flip, a rotation. In test mode the limits' centre is used: no flip, no rotation.
    A crop that reaches over the border is filled with black. The scale is that of the files, so images decoded at
    reduced size get the same size and crop as whole ones.

    Required keys: ``imgs``, ``img_aug_matrix``, ``ori_shape`` unless the images have the size of their files.
    Modified keys: ``imgs``, ``img_shape``, ``img_aug_matrix``.

    Args:
        final_dim (tuple[int, int]): Height and width of the network input.
        resize_lim (tuple[float, float]): Range added to the scale. Defaults to (-0.06, 0.11).
        rot_lim (tuple[float, float]): Range of the rotation, in degrees. Defaults to (-5.4, 5.4).
        flip (bool): Whether to flip half of the views. Defaults to True.
        bot_pct_lim (tuple[float, float]): Range of the share of the image cut off at the bottom. Defaults to (0, 0).
        test_mode (bool): Whether to use the deterministic policy. Defaults to False.
    """

    def __init__(
        self,
        final_dim: tuple[int, int],
        resize_lim: tuple[float, float] = (-0.06, 0.11),
        rot_lim: tuple[float, float] = (-5.4, 5.4),
        flip: bool = True,
        bot_pct_lim: tuple[float, float] = (0.0, 0.0),
        test_mode: bool = False,
    ) -> None:
        self.final_dim = checked_size(final_dim, 'final_dim of MultiViewImageAug')
        self.resize_lim = tuple(resize_lim)
        self.rot_lim = tuple(rot_lim)
        self.flip = flip
        self.bot_pct_lim = tuple(bot_pct_lim)
        self.test_mode = test_mode

    def _draw(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int], bool, float]:
        """Return the resized (width, height), the crop's (left, top), the flip and the angle in degrees."""
        final_h, final_w = self.final_dim
        scale = max(final_w / width, final_h / height)
        if self.test_mode:
            bottom, flip, degrees = float(np.mean(self.bot_pct_lim)), False, 0.0
        else:
            scale += uniform(*self.resize_lim)
            bottom, degrees = uniform(*self.bot_pct_lim), uniform(*self.rot_lim)
            flip = self.flip and coin(0.5)
        new_w, new_h = max(round(width * scale), 1), max(round(height * scale), 1)
        top = round((1 - bottom) * new_h) - final_h
        slack = max(new_w - final_w, 0)
        left = slack // 2 if self.test_mode else int(uniform(0, slack + 1))
        return (new_w, new_h), (left, top), flip, degrees

    def _augment(self, img: np.ndarray, raw_shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Augment one view of a file of ``raw_shape`` (H, W); return the image and its pixel map (3, 3)."""
        height, width = img.shape[:2]
        (new_w, new_h), crop, flip, degrees = self._draw(*raw_shape)
        final_h, final_w = self.final_dim
        # Averaging over areas keeps aliases away. Two taps do as well for what a reduced decode left to shrink.
        smooth = (height, width) != tuple(raw_shape) and 2 * new_w >= width
        interpolation = cv2.INTER_AREA if new_w < width and not smooth else cv2.INTER_LINEAR
        if (new_w, new_h) != (width, height):
            img = cv2.resize(img, (new_w, new_h), interpolation=interpolation)
        rest = crop_flip_rotate_matrix(crop, (final_w, final_h), flip, degrees)
        left, top = crop
        if degrees == 0 and left >= 0 and top >= 0 and left + final_w <= new_w and top + final_h <= new_h:
            img = img[top : top + final_h, left : left + final_w]
            img = np.ascontiguousarray(img[:, ::-1] if flip else img)
        else:
            img = cv2.warpAffine(img, rest[:2], (final_w, final_h), flags=cv2.INTER_LINEAR)
        return img, rest @ resize_matrix(new_w / width, new_h / height)

    def transform(self, results: dict) -> dict:
        """Augment every view on its own."""
        raw_shape = results.get('ori_shape', results['imgs'][0].shape[:2])
        imgs, matrices = zip(*(self._augment(img, raw_shape) for img in results['imgs']))
        results['imgs'] = list(imgs)
        results['img_aug_matrix'] = np.stack(matrices) @ results['img_aug_matrix']
        results['img_shape'] = self.final_dim
        return results


@TRANSFORMS.register_module()
class MultiViewColorJitter(BaseTransform):
    """Change brightness, contrast and saturation; one draw for all views of a sample (default, not from the paper).

    Required and modified keys: ``imgs``.

    Args:
        brightness (float): Largest shift, in grey values. Defaults to 16.
        contrast (float): Largest relative change of the contrast. Defaults to 0.2.
        saturation (float): Largest relative change of the saturation. Defaults to 0.2.
        prob (float): Share of samples that are changed. Defaults to 0.5.
    """

    def __init__(
        self, brightness: float = 16.0, contrast: float = 0.2, saturation: float = 0.2, prob: float = 0.5
    ) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Apply one draw to every view."""
        if not coin(self.prob):
            return results
        shift = uniform(-self.brightness, self.brightness)
        contrast = 1 + uniform(-self.contrast, self.contrast)
        saturation = 1 + uniform(-self.saturation, self.saturation)
        # Linear in the pixel: contrast about mid grey, saturation about the pixel's own grey value.
        grey = np.tile(np.array([0.114, 0.587, 0.299]), (3, 1))
        linear = contrast * (saturation * np.eye(3) + (1 - saturation) * grey)
        offset = np.full((3, 1), 127.5 * (1 - contrast) + shift)
        matrix = np.hstack([linear, offset]).astype(np.float32)
        # cv2.transform saturates uint8 results.
        results['imgs'] = [cv2.transform(img, matrix) for img in results['imgs']]
        return results
