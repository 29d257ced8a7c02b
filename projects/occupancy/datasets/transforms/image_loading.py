"""Loading of multi-view images."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.transforms import read_image, read_image_reduced, resize_matrix


def add_views(
    results: dict,
    imgs: Sequence[np.ndarray],
    shapes: Sequence[tuple[int, int]],
    names: Sequence[str],
    scale: float = 1.0,
) -> dict:
    """Add loaded images to a sample, as :class:`LoadMultiViewImages` says.

    Args:
        results (dict): The sample.
        imgs (Sequence[np.ndarray]): Images (h, w, 3), uint8, BGR.
        shapes (Sequence[tuple[int, int]]): (H, W) of their files.
        names (Sequence[str]): What they are called in the message.
        scale (float): h / H. Defaults to 1.0.

    Raises:
        ValueError: If the views differ in size.
    """
    for name, shape in zip(names, shapes):
        if shape != shapes[0]:
            raise ValueError(
                f'images of one sample must have one size: {names[0]} is {shapes[0]}, '
                f'{name} is {shape} (sample {results.get("token", "")})'
            )
    results['imgs'] = list(imgs)
    results['ori_shape'], results['img_shape'] = shapes[0], imgs[0].shape[:2]
    results['img_aug_matrix'] = np.tile(resize_matrix(scale, scale), (len(imgs), 1, 1))
    return results


@TRANSFORMS.register_module()
class LoadMultiViewImages(BaseTransform):
    """Load the images of all cameras.

    Required keys: ``img_paths`` (N file names), ``token``.

    Added keys: ``imgs`` (list of N arrays (h, w, 3), uint8, BGR), ``ori_shape`` (H, W) of the files, ``img_shape``
    (h, w), ``img_aug_matrix`` (N, 3, 3), the pixel map from the files to ``imgs``: the identity without reduction.

    Args:
        reduced_decode (int): Decode JPEG files at 1/2, 1/4 or 1/8 of their size (2, 4 or 8), for pipelines that scale
            them down by at least as much. Later transforms see the smaller images, and results differ slightly from
            those of a full decode. Defaults to 1: full size.
    """

    def __init__(self, reduced_decode: int = 1) -> None:
        if reduced_decode not in (1, 2, 4, 8):
            raise ValueError(f'reduced_decode must be 1, 2, 4 or 8, got {reduced_decode!r}')
        self.reduced_decode = reduced_decode

    def _read(self, path: str, token: str) -> tuple[np.ndarray, tuple[int, int]]:
        """Return the pixels and the (H, W) of the file."""
        if self.reduced_decode > 1:
            return read_image_reduced(path, token, self.reduced_decode)
        img = read_image(path, token)
        return img, img.shape[:2]

    def transform(self, results: dict) -> dict:
        """Read the files named by ``img_paths``.

        Raises:
            FileNotFoundError: If an image is missing.
            ValueError: If an image is truncated or the views differ in size.
        """
        paths, token = results['img_paths'], results.get('token', '')
        imgs, shapes = zip(*(self._read(path, token) for path in paths))
        return add_views(results, imgs, shapes, paths, 1 / self.reduced_decode)
