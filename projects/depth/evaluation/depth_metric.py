"""Depth metrics of the Eigen protocol and of the KITTI benchmark. H x W network input."""

import os
from collections.abc import Sequence

import numpy as np
import torch
from mmdet3d.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from projects.depth_eval import CROPS, FRAME_ID_PARTS, check_finite, encode_depth, macro_average
from projects.depth_eval.protocol import EigenProtocol, KittiProtocol
from projects.fileio import atomic_write, file_below


def _to_numpy(value: torch.Tensor | np.ndarray) -> np.ndarray:
    return value.detach().cpu().float().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def write_depth_prediction(pred: np.ndarray, frame_id: str | None, folder: str | os.PathLike) -> None:
    """Write one prediction as KITTI's server and ``tools/eval_depth.py`` read it: ``<frame_id>.png`` of 16 bits.

    Args:
        pred (np.ndarray): z-depth in metres. Shape (H, W).
        frame_id (str | None): Name of the frame.
        folder (str or PathLike): Where the file appears, once it is complete.

    Raises:
        ValueError: If the frame id is no file name, or the depth holds NaN or negative values.
    """
    path = file_below(folder, frame_id, '.png', 'frame_id', parts=FRAME_ID_PARTS)
    with atomic_write(path) as file:
        file.write(encode_depth(pred))


@METRICS.register_module()
class DepthMetric(BaseMetric):
    """Depth metrics, averaged over images.

    Every frame adds its metrics, or none when no pixel has truth, to ``self.results``; sums are exact, so evaluation
    on many processes gives the same numbers. Keys: ``depth/`` with the names of ``EIGEN_KEYS`` or ``KITTI_KEYS`` of
    ``projects.depth_eval``, ``frames`` (scored) and ``skipped`` (no truth).

    Args:
        protocol (str): 'eigen' (crop, cap, clamped prediction) or 'kitti' (hole filling, no crop, no cap; units of the
            benchmark's site). Defaults to 'eigen'.
        crop (str): 'garg', 'eigen' or 'none', as shares of the frame that is scored. Defaults to 'garg'.
        kb_crop (bool): Whether to cut frames to 352x1216 first; frames that a ``KBCrop`` of the pipeline made stay as
            they are. Defaults to False.
        cap (float): Largest depth that counts, in metres. Defaults to 80.0.
        min_depth (float): Smallest depth that counts, in metres. Defaults to 1e-3.
        submission_dir (str | None): Folder for predictions as 16-bit PNG, ``<frame_id>.png``. Defaults to None.
        format_only (bool): Only write the files; truth is not needed. Defaults to False.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
        prefix (str | None): Prefix of the keys. Defaults to None ('depth').
    """

    default_prefix = 'depth'

    def __init__(
        self,
        protocol: str = 'eigen',
        crop: str = 'garg',
        kb_crop: bool = False,
        cap: float = 80.0,
        min_depth: float = 1e-3,
        submission_dir: str | None = None,
        format_only: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if protocol not in ('eigen', 'kitti'):
            raise ValueError(f"protocol of DepthMetric must be 'eigen' or 'kitti', got {protocol!r}")
        if crop not in CROPS:
            raise ValueError(f'crop of DepthMetric must be one of {CROPS}, got {crop!r}')
        if not 0 < min_depth < cap:
            raise ValueError(f'DepthMetric needs 0 < min_depth < cap, got min_depth={min_depth}, cap={cap}')
        if format_only and submission_dir is None:
            raise ValueError('DepthMetric(format_only=True) needs submission_dir, the folder to write to')
        self.submission_dir = submission_dir
        self.format_only = format_only
        self.score = EigenProtocol(crop, cap, kb_crop, min_depth) if protocol == 'eigen' else KittiProtocol()

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Score every frame.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): With ``pred_depth`` and ``gt_depth``, each (H, W), in metres.

        Raises:
            ValueError: If a frame lacks one of the two, their sizes differ, or the prediction holds NaN or infinity;
                the message names the frame.
        """
        for sample in data_samples:
            frame = sample.get('frame_id', '?')
            needed = ('pred_depth',) if self.format_only else ('pred_depth', 'gt_depth')
            missing = [key for key in needed if sample.get(key) is None]
            if missing:
                raise ValueError(f'frame {frame} has no {missing}; add LoadDepthMap to the pipeline')
            pred = _to_numpy(sample['pred_depth'])
            try:
                check_finite(pred)
                if self.submission_dir is not None:
                    write_depth_prediction(pred, sample.get('frame_id'), self.submission_dir)
                row = None if self.format_only else self.score(_to_numpy(sample['gt_depth']), pred)
                # Not None: MMEngine drops that when it collects the results of processes, and would then count the
                # frames that fill up the last batch.
                self.results.append(row or {})
            except ValueError as error:
                raise ValueError(f'frame {frame}: {error}') from error

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Average over the frames that have truth."""
        logger = MMLogger.get_current_instance()
        if self.format_only:
            logger.info(f'{len(results)} predictions were written to {self.submission_dir}')
            return {}
        metrics = macro_average([row or None for row in results])
        scored = sum(bool(row) for row in results)
        metrics.update(frames=scored, skipped=len(results) - scored)
        lines = [f'{key:<16}{value:>12.6g}' for key, value in metrics.items()]
        logger.info('\n'.join([str(self.score), *lines]))
        return metrics
