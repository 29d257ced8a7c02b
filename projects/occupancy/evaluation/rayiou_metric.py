"""RayIoU as a metric of the Runner. X/Y/Z voxels."""

from collections.abc import Sequence

import numpy as np
import torch
from mmdet3d.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from projects.fileio import compact_copy, restricted_load
from projects.occ_eval import mean_rayiou, ray_counts, rayiou_from_counts, read_origins, scene_origins
from projects.occ_eval.grids import as_grid
from projects.occ_eval.infos import read_info_items

from .samples import (
    NOT_SCORED,
    is_unlabelled,
    read_prediction,
    require_fields,
    scored_only,
    spec_of,
    to_numpy,
)


@METRICS.register_module()
class RayIoUMetric(BaseMetric):
    """RayIoU at 1, 2 and 4 m (SparseOcc, arXiv:2312.17118), in percent.

    Every sample adds 5 x C counts to ``self.results``, so evaluation on many processes is exact. Grid and the C classes
    without free come from ``dataset_meta``; where it does not say the grid, it is that of Occ3D-nuScenes. Keys:
    ``rayiou/mean``, ``rayiou/1``, ``rayiou/2``, ``rayiou/4`` and ``rayiou/<class>`` (mean of the three). There is no
    mask. Rays that meet a voxel with the label 255 (not labelled) do not count, nor do samples for which the info file
    names no label; a warning says how many.

    Args:
        ann_file (str | None): Info file of the whole split; rays start at the LiDAR positions of its scenes.
            Defaults to None.
        origins_file (str | None): JSON file ``{token: [[x, y, z], ...]}`` instead. Defaults to None.
        threads (int | None): Threads for the rays. Defaults to None, as many as torch uses.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
        prefix (str | None): Prefix of the keys. Defaults to None ('rayiou').
    """

    default_prefix = 'rayiou'

    def __init__(
        self,
        ann_file: str | None = None,
        origins_file: str | None = None,
        threads: int | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if (ann_file is None) == (origins_file is None):
            raise ValueError('RayIoUMetric needs ann_file or origins_file: the rays start somewhere')
        self.threads = threads
        if origins_file is not None:
            self.source, self.origins = origins_file, read_origins(origins_file)
        else:
            self.source = source = str(ann_file)
            self.origins = compact_copy(lambda: scene_origins(read_info_items(restricted_load(source), source), source))

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Add the counts of every sample.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): With ``token``, ``pred_occ`` and ``gt_occ``, each (X, Y, Z).
        """
        for sample in data_samples:
            if is_unlabelled(sample):
                self.results.append(NOT_SCORED)
                continue
            require_fields(sample, ['gt_occ'], 'add LoadOccupancyLabels to the pipeline')
            if sample['token'] not in self.origins:
                raise ValueError(f'{self.source} has no ray origins for sample {sample["token"]}')
            arrays = {'pred_occ': read_prediction(sample), 'gt_occ': to_numpy(sample['gt_occ'])}
            threads = self.threads or torch.get_num_threads()
            try:
                grids = [as_grid(ids, key, 'the sample', ids.shape) for key, ids in arrays.items()]
                self.results.append(
                    ray_counts(*grids, self.origins[sample['token']], threads, spec=spec_of(self.dataset_meta))
                )
            except ValueError as error:
                raise ValueError(f'sample {sample["token"]}: {error}') from error

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Sum the counts and derive the numbers."""
        results = scored_only(results)
        counts = np.sum(results, axis=0)
        scores = {key: 100 * value for key, value in mean_rayiou(counts).items()}
        MMLogger.get_current_instance().info(f'RayIoU in percent over {len(results)} samples: {scores}')
        # A class is NaN at all thresholds or at none, so this mean needs no care.
        per_class = 100 * rayiou_from_counts(counts).mean(0)
        names = self.dataset_meta['classes']
        return {**scores, **{name: float(value) for name, value in zip(names, per_class)}}
