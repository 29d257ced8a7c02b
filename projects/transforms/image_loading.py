"""Loading of multi-view images."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from .image_files import read_image


@TRANSFORMS.register_module()
class LoadMultiViewImages(BaseTransform):
    """Load the images of all cameras.

    Required keys: ``img_paths`` (N file names), ``token``.

    Added keys: ``imgs`` (list of N arrays (H, W, 3), uint8, BGR), ``ori_shape`` and ``img_shape`` (H, W),
    ``img_aug_matrix`` (N, 3, 3), the identity.
    """

    def transform(self, results: dict) -> dict:
        """Read the files named by ``img_paths``.

        Raises:
            FileNotFoundError: If an image is missing.
            ValueError: If an image is truncated or the views differ in size.
        """
        paths, token = results['img_paths'], results.get('token', '')
        imgs = [read_image(path, token) for path in paths]
        for path, img in zip(paths, imgs):
            if img.shape != imgs[0].shape:
                raise ValueError(
                    f'images of one sample must have one size: {paths[0]} is {imgs[0].shape[:2]}, '
                    f'{path} is {img.shape[:2]} (sample {token})'
                )
        results['imgs'] = imgs
        results['ori_shape'] = results['img_shape'] = imgs[0].shape[:2]
        results['img_aug_matrix'] = np.tile(np.eye(3), (len(imgs), 1, 1))
        return results
