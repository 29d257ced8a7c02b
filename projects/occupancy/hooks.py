"""Hooks of occupancy models."""

import os.path as osp
from collections.abc import Sequence

import numpy as np
from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from PIL import Image

from projects.engine import atomic_write

from .structures import OccDataSample
from .visualization import draw_panel


def _picture(data_batch: dict, position: int, sample: OccDataSample, meta: dict) -> np.ndarray:
    """Panel of one sample of a batch, as it came from the data loader."""
    imgs = data_batch['inputs'].get('imgs')
    views = (
        [] if imgs is None else [np.ascontiguousarray(img.numpy()[::-1].transpose(1, 2, 0)) for img in imgs[position]]
    )
    names = sample.metainfo.get('cam_names', [f'camera {i}' for i in range(len(views))])
    volumes = {'prediction': sample.pred_occ.cpu().numpy()}
    if 'gt_occ' in sample:
        volumes['label'] = sample.gt_occ.cpu().numpy()
    mask = sample.mask_camera.cpu().numpy() if 'mask_camera' in sample else None
    return draw_panel(views, names, volumes, mask, meta['classes'], meta['palette'], meta['free_class'])


@HOOKS.register_module()
class OccVisualizationHook(Hook):
    """Write a panel per sample in testing: the images, the prediction and, if there is one, the label.

    Every test sample becomes ``<test_out_dir>/<token>.png``; in validation every ``interval``-th sample is given to the
    runner's visualizer.

    Args:
        draw (bool): Whether to do anything. Defaults to False.
        interval (int): Validation samples per picture. Defaults to 50.
        show (bool): Whether to open a window per test sample. Defaults to False.
        test_out_dir (str | None): Folder of the pictures; relative to ``<work_dir>/<timestamp>``. Defaults to None.
    """

    def __init__(
        self, draw: bool = False, interval: int = 50, show: bool = False, test_out_dir: str | None = None
    ) -> None:
        self.draw = draw
        self.interval = interval
        self.show = show
        self.test_out_dir = test_out_dir

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[OccDataSample] | None = None
    ) -> None:
        """Give the first sample of the batch to the visualizer."""
        if not self.draw or batch_idx % self.interval or not outputs:
            return
        panel = _picture(data_batch, 0, outputs[0], runner.val_dataloader.dataset.metainfo)
        runner.visualizer.add_image(f'val/{outputs[0].token}', panel, step=runner.iter)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[OccDataSample] | None = None
    ) -> None:
        """Write, and maybe show, every sample of the batch."""
        if not self.draw:
            return
        for position, sample in enumerate(outputs or []):
            panel = _picture(data_batch, position, sample, runner.test_dataloader.dataset.metainfo)
            if self.test_out_dir is not None:
                folder = osp.join(runner.work_dir, runner.timestamp, self.test_out_dir)
                with atomic_write(osp.join(folder, f'{sample.token}.png')) as file:
                    Image.fromarray(panel).save(file, format='PNG')
            if self.show:
                runner.visualizer.show(panel, win_name=sample.token)
