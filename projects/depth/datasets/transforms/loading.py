"""Loading of stereo pairs and depth maps. H x W image."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from projects.depth_eval import read_depth
from projects.transforms import read_image


def begin_frame(results: dict) -> dict:
    """State of a frame whose images have just been loaded: not cropped, not mirrored."""
    results['img_shape'] = results['ori_shape']
    results['crop_offset'] = (0, 0)
    results['flipped'] = False
    return results


@TRANSFORMS.register_module()
class LoadDepthImages(BaseTransform):
    """Load the left image, and the right one where the data set is read in pairs (``stereo=True``).

    Required keys: ``img_path, right_path, ori_shape, frame_id``; ``right_path`` is None without pairs. Added keys:
    ``img`` and, of a pair, ``right_img``, each (H, W, 3) uint8 BGR; ``img_shape``; ``crop_offset`` (0, 0); ``flipped``
    False.
    """

    def transform(self, results: dict) -> dict:
        """Read the files.

        Raises:
            FileNotFoundError: If an image is missing.
            ValueError: If an image is damaged or has another size than the calibration.
        """
        paths = {'img': results['img_path']}
        if results['right_path'] is not None:
            paths['right_img'] = results['right_path']
        for key, path in paths.items():
            results[key] = read_image(path, results['frame_id'])
            if results[key].shape[:2] != results['ori_shape']:
                raise ValueError(
                    f'{path} has the size {results[key].shape[:2]}, but the calibration of frame {results["frame_id"]} '
                    f'is for {results["ori_shape"]}; is the image of another date?'
                )
        return begin_frame(results)


@TRANSFORMS.register_module()
class LoadDepthMap(BaseTransform):
    """Load the 16-bit depth map of the left camera, and of the right one when its image is loaded.

    The right map replaces the left one when ``StereoFlip`` swaps the cameras. In test mode a frame without a file has
    an empty map, which metrics skip and count.

    Required keys: ``depth_path, right_depth_path, dense_path, right_dense_path, depth_scale, ori_shape``. Optional key:
    ``labelled``; where it is False (of the frame, or by ``label_part`` of the data set) the maps are empty and no file
    is read. Added keys: ``gt_depth`` and, as the files exist, ``right_gt_depth``, ``gt_depth_dense``,
    ``right_gt_depth_dense``; (H, W) float32 metres, 0 = none.

    Args:
        dense (bool): Whether to load MiniDrive's dense truth when the frame has it. Defaults to True in test mode only.
    """

    _FIELDS = (
        ('gt_depth', 'depth_path'),
        ('right_gt_depth', 'right_depth_path'),
        ('gt_depth_dense', 'dense_path'),
        ('right_gt_depth_dense', 'right_dense_path'),
    )

    def __init__(self, dense: bool | None = None) -> None:
        self.dense = dense

    def transform(self, results: dict) -> dict:
        """Read the files.

        Raises:
            FileNotFoundError: If a depth map is missing.
            ValueError: If a map is damaged, has 8 bits, or another size than the image.
        """
        dense = results.get('test_mode', False) if self.dense is None else self.dense
        labelled = results.get('labelled', True)
        for key, source in self._FIELDS:
            wanted = ('right' not in key or 'right_img' in results) and (dense or 'dense' not in key)
            if wanted and results.get(source):
                results[key] = self._read(results[source], results) if labelled else _empty_map(results)
        if not labelled and 'right_img' in results:
            results.setdefault('right_gt_depth', _empty_map(results))
        if 'gt_depth' not in results:
            if labelled and not results.get('test_mode', False):
                raise ValueError(f'frame {results["frame_id"]} has no depth map, so it cannot be trained on')
            results['gt_depth'] = _empty_map(results)
        return results

    @staticmethod
    def _read(path: str, results: dict) -> np.ndarray:
        depth = read_depth(path, results['depth_scale'])
        if depth.shape != results['ori_shape']:
            raise ValueError(
                f'{path} has the size {depth.shape}, but the image of the frame has {results["ori_shape"]}'
            )
        return depth


def _empty_map(results: dict) -> np.ndarray:
    """A map of the size of the image without a measurement."""
    return np.zeros(results['ori_shape'], np.float32)
