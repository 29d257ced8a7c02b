"""A trained depth model as a call. H x W network input."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmdet3d.registry import INFERENCERS

from projects.depth_eval import FRAME_ID_PARTS
from projects.fileio import atomic_write, check_name
from projects.geometry import as_intrinsics, positive_number
from projects.models import TaskInferencer
from projects.transforms import as_image

from .datasets.transforms.loading import begin_frame
from .evaluation.depth_metric import write_depth_prediction
from .structures import DepthDataSample

_KEYS = {'image', 'intrinsics'}
_PAIR = {'right_image', 'baseline'}


@INFERENCERS.register_module()
class DepthInferencer(TaskInferencer):
    """Predict metric depth and how far off it may be, for frames of a data set or for images with their intrinsics.

    Arguments and errors are those of :class:`TaskInferencer`. A map has the size of the network's input: that of the
    image, less what the pipeline of the config crops (``KBCrop``).

    Examples:
        >>> inferencer = DepthInferencer('mono-depth_mini_1xb4-12e_minidrive', 'epoch_12.pth', device='cpu')
        >>> inferencer({'image': 'left.png', 'intrinsics': [[720, 0, 610], [0, 720, 173], [0, 0, 1]]})
    """

    LOADER = 'LoadDepthImages'
    NAME = 'frame_id'

    def make_frame(self, frame: Mapping[str, Any], number: int) -> dict[str, Any]:
        """What the data set would give of a frame of the user, with its images loaded and without a depth map.

        Args:
            frame (Mapping): ``image``, a file or an array (H, W, 3) uint8 BGR; ``intrinsics`` (3, 3) in pixels;
                ``frame_id``, its name (``frame_<number>`` unless given). Of a model that reads pairs (``stereo=True``
                in its data set) also ``right_image`` of the same intrinsics and ``baseline`` in metres.
            number (int): Place among the inputs.

        Raises:
            FileNotFoundError: If an image is not there.
            ValueError: If the frame has another form, an image or the intrinsics are none, or a pair differs in size.
        """
        needed = _KEYS | _PAIR if self.dataset.stereo else _KEYS
        if not needed <= set(frame) <= needed | {'frame_id'}:
            raise ValueError(f'a frame must have {sorted(needed)} and perhaps a frame_id, got {sorted(frame)}')
        frame_id = frame.get('frame_id', f'frame_{number}')
        check_name(frame_id, 'frame_id', f'input {number}', FRAME_ID_PARTS)
        cam2img = as_intrinsics(frame['intrinsics'], f'intrinsics of frame {frame_id}')
        image = as_image(frame['image'], f'image of frame {frame_id}')
        results = {
            'frame_id': frame_id,
            'sample_idx': number,
            'test_mode': True,
            'img': image,
            'ori_shape': image.shape[:2],
            'cam2img': cam2img,
            'right_cam2img': cam2img,
            'focal': float(cam2img[0, 0]),
            'baseline': 0.0,
        }
        if self.dataset.stereo:
            results['baseline'] = positive_number(frame['baseline'], f'baseline of frame {frame_id}')
            results['right_img'] = as_image(frame['right_image'], f'right_image of frame {frame_id}')
            if results['right_img'].shape != image.shape:
                raise ValueError(
                    f'the images of frame {frame_id} differ in size: {image.shape[:2]} and '
                    f'{results["right_img"].shape[:2]}'
                )
        return begin_frame(results)

    def arrays_of(self, sample: DepthDataSample) -> dict[str, Any]:
        """Predictions of a frame: ``frame_id``, ``pred_depth`` (H, W) float32 in metres and, where predicted.

        ``pred_scale`` (H, W) float32, the scale of the error of log depth.
        """
        arrays = {'frame_id': sample.metainfo['frame_id'], 'pred_depth': sample.pred_depth.cpu().numpy()}
        if 'pred_log_scale' in sample:
            arrays['pred_scale'] = sample.pred_log_scale.exp().cpu().numpy()
        return arrays

    def write(self, sample: DepthDataSample, folder: Path) -> None:
        """Write ``preds/<frame_id>.png`` for ``tools/eval_depth.py``, and ``maps/<frame_id>.npz`` in full precision."""
        arrays = self.arrays_of(sample)
        frame_id = arrays.pop('frame_id')
        write_depth_prediction(arrays['pred_depth'], frame_id, folder / 'preds')
        with atomic_write(folder / 'maps' / f'{frame_id}.npz') as file:
            np.savez_compressed(file, **arrays)
