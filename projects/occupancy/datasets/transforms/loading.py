"""Loading of occupancy labels and image segments. N cameras, X/Y/Z voxels, h x w render size."""

import os

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.occ_eval.files import read_occ_label
from projects.occupancy.classes import OCC3D, UNLABELLED
from projects.transforms import read_image, resize_nearest
from projects.transforms.sizes import checked_size

_MASKS = ('lidar', 'camera')


def load_occ_label(path: str, shape: tuple[int, ...] = OCC3D.grid_size, num_classes: int = len(OCC3D.classes)) -> dict:
    """A label with both masks as training reads it; :func:`projects.occ_eval.files.read_occ_label` checks it.

    Args:
        path (str): File with ``semantics``, ``mask_lidar`` and ``mask_camera``.
        shape (tuple[int, ...]): Expected X, Y, Z. Defaults to Occ3D's.
        num_classes (int): Number of classes, the last one is free. Defaults to 18.

    Returns:
        dict: ``gt_occ`` uint8 (255: not labelled; losses and metrics leave the voxel out), ``mask_lidar`` and
        ``mask_camera`` bool, each (X, Y, Z).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, or an array has another shape, dtype or class id.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'occupancy label not found: {path}; check data_root, or download gts of Occ3D-nuScenes'
        )
    semantics, masks = read_occ_label(path, _MASKS, shape, num_classes)
    # Copies: what is read is read-only, and transforms write.
    return {'gt_occ': semantics.copy(), **{f'mask_{name}': mask.copy() for name, mask in masks.items()}}


@TRANSFORMS.register_module()
class LoadOccupancyLabels(BaseTransform):
    """Load the Occ3D label with its masks.

    Required keys: ``occ_path``, ``token``, ``test_mode``, ``bda_mat``, ``grid_size`` and ``num_classes`` of the data
    set. Optional key: ``labelled``; where it is False (``label_part`` of the data set) no voxel is labelled and no file
    is read. Added keys: ``gt_occ`` uint8 (255: not labelled), ``mask_camera`` and ``mask_lidar`` bool, each (X, Y, Z).
    In test mode a sample without a label passes without these keys, and where the info file names none, ``labelled`` is
    False.
    """

    def transform(self, results: dict) -> dict:
        """Read ``occ_path``.

        Raises:
            FileNotFoundError: If a training sample has no label.
            ValueError: If the label is not a sound Occ3D label, or the frame was augmented before the label was loaded.
        """
        if not results.get('labelled', True):
            shape = tuple(results['grid_size'])
            results['gt_occ'] = np.full(shape, UNLABELLED, np.uint8)
            results.update({f'mask_{name}': np.zeros(shape, bool) for name in _MASKS})
            return results
        path = results.get('occ_path')
        if results.get('test_mode') and (path is None or not os.path.isfile(path)):
            results['labelled'] = path is not None
            return results
        if path is None:
            raise FileNotFoundError(
                f'the info file names no occupancy label for sample {results["token"]}; put gts of Occ3D-nuScenes '
                'below the data root and run tools/create_data.py occ3d-nus --force'
            )
        if not np.array_equal(results['bda_mat'], np.eye(4)):
            raise ValueError('LoadOccupancyLabels must come before BEVAugment in the pipeline')
        try:
            results.update(load_occ_label(path, results['grid_size'], results['num_classes']))
        except FileNotFoundError as error:
            raise FileNotFoundError(f'sample {results["token"]}: {error}') from error
        return results


@TRANSFORMS.register_module()
class LoadImageSegments(BaseTransform):
    """Load the segments of every raw image at the size at which rays are rendered (RadOcc, segment-guided loss).

    Required keys: ``segments_paths`` (N file names of uint16 PNGs of the size of their images, 0 = no segment),
    ``token``. Optional key: ``ori_shape`` (H, W) of the images. Added keys: ``segments`` (N, h, w) int32.

    Args:
        render_size (tuple[int, int]): Height and width of the result.
    """

    def __init__(self, render_size: tuple[int, int]) -> None:
        self.render_size = checked_size(render_size, 'render_size of LoadImageSegments')

    def _read(self, path: str | None, token: str, image_shape: tuple[int, int] | None) -> np.ndarray:
        if path is not None and not os.path.isfile(path):
            raise FileNotFoundError(
                f'image segments not found: {path} (sample {token}); put the file back, or train without the losses '
                'that read segments'
            )
        if path is None:
            raise FileNotFoundError(
                f'the info file names no image segments for sample {token}; put segments/<sample_data_token>.png below '
                'the data root and run tools/create_data.py occ3d-nus --force'
            )
        image = read_image(path, token, flags=cv2.IMREAD_UNCHANGED)
        if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f'segments must be a grey uint16 PNG: {path} (sample {token}) is {image.dtype} of shape {image.shape}; '
                'write the file again'
            )
        if image_shape is not None and image.shape != tuple(image_shape):
            raise ValueError(
                f'segments must have the size of their image: {path} (sample {token}) is {image.shape}, the image '
                f'{tuple(image_shape)}; write the file again'
            )
        return resize_nearest(image, self.render_size).astype(np.int32)

    def transform(self, results: dict) -> dict:
        """Read ``segments_paths``.

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If one is damaged, no grey PNG, or of another size than its image.
        """
        token, shape = results['token'], results.get('ori_shape')
        results['segments'] = np.stack([self._read(path, token, shape) for path in results['segments_paths']])
        return results
