"""A trained occupancy model as a call. N cameras, h x w rendered pixels, X/Y/Z voxels, K classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet3d.registry import INFERENCERS
from PIL import Image
from torch import Tensor

from projects.engine import atomic_write
from projects.fileio import check_name
from projects.models import TaskInferencer
from projects.rendering import VoxelGrid
from projects.transforms import as_image

from .datasets.transforms.image_loading import add_views
from .evaluation.occ_metric import write_submission
from .evaluation.samples import read_prediction
from .frames import check_cameras, checked_calibration
from .structures import OccDataSample
from .views import RenderedView, draw_views, render_cameras


@INFERENCERS.register_module()
class OccInferencer(TaskInferencer):
    """Predict the class of every voxel, for samples of a data set or for images with their calibration.

    Arguments and errors are those of :class:`TaskInferencer`.

    Examples:
        >>> inferencer = OccInferencer('flashocc_mini_1xb1-7e_minidrive', 'epoch_7.pth', device='cpu')
        >>> inferencer(0, render_height=90)['predictions'][0]['pred_occ'].shape
        (200, 200, 16)
        >>> frame = {'images': {'CAM_FRONT': 'front.jpg'}, 'calibration': 'rig.json'}
        >>> inferencer([frame], out_dir='out')
    """

    LOADER = 'LoadMultiViewImages'
    NAME = 'token'
    forward_kwargs = {'probabilities', 'render_height'}

    def make_frame(self, frame: Mapping[str, Any], number: int) -> dict[str, Any]:
        """What the data set would give of a frame of the user, with its images loaded and without a label.

        Args:
            frame (Mapping): ``images``, camera -> file or array (H, W, 3) uint8 BGR; ``calibration``, as
                :func:`projects.occupancy.frames.checked_calibration` takes it; ``token``, the name of the frame
                (``frame_<number>`` unless given).
            number (int): Place among the inputs.

        Raises:
            FileNotFoundError: If an image or the calibration file is not there.
            ValueError: If the frame has another form, a camera is unknown, has no calibration or is missing though the
                model needs all, or the model reads LiDAR.
        """
        if not {'images', 'calibration'} <= set(frame) <= {'images', 'calibration', 'token'}:
            raise ValueError(f'a frame must have images, calibration and perhaps a token, got {sorted(frame)}')
        if self.dataset.modality['use_lidar']:
            raise ValueError('the model reads LiDAR, which frames of your own do not have: give tokens of a data set')
        spec, images = self.dataset.spec, frame['images']
        token = check_name(frame.get('token', f'frame_{number}'), 'token', f'input {number}')
        calibration = checked_calibration(frame['calibration'], spec.cameras)
        check_cameras(list(images), spec.cameras, f'frame {token}')
        cameras = [name for name in spec.cameras if name in images]
        without = [name for name in cameras if name not in calibration]
        if without or not cameras:
            raise ValueError(f'frame {token} needs images, and a calibration of each; without it are {without}')
        if len(cameras) < len(spec.cameras) and not self.model.FEWER_CAMERAS:
            missing = [name for name in spec.cameras if name not in images]
            raise ValueError(f'{type(self.model).__name__} needs all cameras; frame {token} has no {missing}')
        files = {name: str(images[name]) for name in cameras if not isinstance(images[name], np.ndarray)}
        results = {
            'token': token,
            'sample_idx': number,
            'test_mode': True,
            'bda_mat': np.eye(4),
            'occ_path': None,
            'cam_names': tuple(cameras),
            'point_cloud_range': spec.point_cloud_range,
            'grid_size': spec.grid_size,
            'num_classes': len(spec.classes),
            'cam2img': np.stack([calibration[name][0] for name in cameras]),
            'cam2ego': np.stack([calibration[name][1] for name in cameras]),
            **({'img_paths': list(files.values())} if len(files) == len(cameras) else {}),
        }
        pixels = [as_image(images[name], f'{name} of frame {token}') for name in cameras]
        return add_views(results, pixels, [image.shape[:2] for image in pixels], cameras)

    def add_predictions(
        self,
        samples: Sequence[OccDataSample],
        outputs: Mapping[str, Tensor],
        inputs: Mapping[str, Any],
        probabilities: bool = False,
        render_height: int | None = None,
    ) -> None:
        """Write what options ask for into the samples.

        Args:
            samples (Sequence[OccDataSample]): Samples of a batch.
            outputs (Mapping[str, Tensor]): Outputs of the model.
            inputs (Mapping[str, Any]): Preprocessed inputs.
            probabilities (bool): Whether to add ``probabilities`` (X, Y, Z, K) float32, the softmax of the logits whose
                largest is ``pred_occ``: weights of the classes in the loss are part of it. Defaults to False.
            render_height (int | None): Height of depth and semantics that are rendered through each camera, from the
                logits without the weights of the classes: ``rendered_depth`` (N, h, w) float32 in metres, NaN where
                less than half of a ray ends, and ``rendered_semantics`` (N, h, w) uint8. Defaults to None: none.

        Raises:
            ValueError: If the height is not positive, or the model has no cameras.
        """
        if probabilities:
            for sample, logits in zip(samples, outputs['occ_logits']):
                sample.set_field(logits.float().softmax(-1), 'probabilities')
        if render_height is None:
            return
        if render_height < 1 or 'cam2ego' not in inputs:
            raise ValueError(f'render_height must be at least 1 and needs cameras, got {render_height}')
        spec = self.dataset.spec
        grid = VoxelGrid(spec.point_cloud_range, spec.grid_size)
        calibrated = self.model.derive_outputs(outputs).get('calibrated_logits', outputs['occ_logits'])
        cam2grid = inputs['bda_mat'][:, None] @ inputs['cam2ego']
        for i, sample in enumerate(samples):
            shape = sample.metainfo['ori_shape']
            cameras = (inputs['cam2img'][i], cam2grid[i])
            views = render_cameras(calibrated[i].float(), *cameras, shape, render_height, grid)
            sample.set_field(torch.from_numpy(np.stack([view.depths for view in views])), 'rendered_depth')
            classes = np.stack([view.semantics for view in views]).astype(np.uint8)
            sample.set_field(torch.from_numpy(classes), 'rendered_semantics')

    def arrays_of(self, sample: OccDataSample) -> dict[str, Any]:
        """Predictions of a sample: ``token``, ``pred_occ`` (X, Y, Z) uint8 and what options asked for.

        These are ``probabilities`` (X, Y, Z, K) and ``views``, camera -> :class:`RenderedView` without weights.

        Raises:
            ValueError: If the model gave NaN or infinity.
        """
        token = sample.metainfo['token']
        arrays = {'token': token, 'pred_occ': read_prediction({'token': token, 'pred_occ': sample.pred_occ})}
        if 'probabilities' in sample:
            arrays['probabilities'] = sample.probabilities.cpu().numpy()
        if 'rendered_depth' in sample:
            maps = zip(sample.rendered_depth.numpy(), sample.rendered_semantics.numpy())
            nothing = np.zeros((*sample.rendered_depth.shape[1:], 0), np.float32)
            views = [RenderedView(depths, classes, nothing) for depths, classes in maps]
            arrays['views'] = dict(zip(sample.metainfo['cam_names'], views))
        return arrays

    def write(self, sample: OccDataSample, folder: Path) -> None:
        """Write ``preds/<token>.npz`` for ``tools/eval_occ.py``, and what options asked for.

        These are ``probabilities/<token>.npz`` (float16), ``views/<token>.npz`` with ``cameras``, ``depth`` and
        ``semantics``, and ``views/<token>.png``.
        """
        arrays = self.arrays_of(sample)
        token = arrays['token']
        write_submission(arrays['pred_occ'], token, str(folder / 'preds'))
        if 'probabilities' in arrays:
            with atomic_write(folder / 'probabilities' / f'{token}.npz') as file:
                np.savez_compressed(file, probabilities=arrays['probabilities'].astype(np.float16))
        if 'views' in arrays:
            views = arrays['views']
            maps = {
                'depth': np.stack([view.depths for view in views.values()]),
                'semantics': np.stack([view.semantics for view in views.values()]),
            }
            with atomic_write(folder / 'views' / f'{token}.npz') as file:
                np.savez_compressed(file, cameras=list(views), **maps)
            items = list(views.items())
            rows = [draw_views(dict(items[i : i + 3]), self.dataset.spec, 1260) for i in range(0, len(items), 3)]
            with atomic_write(folder / 'views' / f'{token}.png') as file:
                Image.fromarray(np.vstack(rows)).save(file, format='PNG')
