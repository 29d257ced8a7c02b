"""The tasks of a study of many arms: what is measured of each, and what its page shows.

:mod:`.arm_data` says which task a student has; this module is only needed to measure, and loads what that takes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mmengine.config import Config

from .ablation import Ablation, Run
from .arm_depth import DEPTH_METRICS, DepthArmMeter
from .arm_meter import ArmMeter, ArmMetric
from .arm_scores import OCC_METRICS, OccArmMeter
from .measuring import Dataset, build_dataset
from .occupancy_controls import HistoryOfAnotherScene
from .ray_depth import RayTruth
from .renders import build_renderer


@dataclass(frozen=True)
class ArmTask:
    """What a study measures and shows of one task.

    Args:
        open_meter (Callable): Makes the meter of a run of a study.
        metrics (tuple[ArmMetric, ...]): Columns of the page.
        tested (tuple[str, ...]): Names of those whose gains are tested.
        main (str): Name of the one that the verdict is about.
        pictured (tuple[str, ...]): Names of those that the first picture shows.
        loss (tuple[str, str]): Name of the logged loss that is drawn, and its label.
        check (tuple[str, str]): The same of the score on calibration scenes while training.
    """

    open_meter: Callable[[Ablation, Run], ArmMeter]
    metrics: tuple[ArmMetric, ...]
    tested: tuple[str, ...]
    main: str
    pictured: tuple[str, ...]
    loss: tuple[str, str]
    check: tuple[str, str]


def frames_of(study: Ablation, run: Run, split: str) -> Dataset:
    """Frames of a split as the student of a run is tested on them."""
    config = Config.fromfile(study.student_of(run))
    dataset = config.val_dataloader.dataset
    frames = build_dataset(dataset, study.data, dataset.pipeline, ann_file=study.infos(split))
    return HistoryOfAnotherScene(frames) if study.swaps_history(run) else frames


def _open_occupancy(study: Ablation, run: Run) -> ArmMeter:
    held_out = frames_of(study, run, 'val')
    rays = RayTruth(build_renderer(study.rays), held_out.spec.free_class)
    return OccArmMeter(frames_of(study, run, 'calib'), held_out, rays)


def _open_depth(study: Ablation, run: Run) -> ArmMeter:
    return DepthArmMeter(frames_of(study, run, 'calib'), frames_of(study, run, 'val'))


TASKS = {
    'occupancy': ArmTask(
        _open_occupancy,
        OCC_METRICS,
        ('miou', 'miou_fitted', 'iou_fitted', 'rayiou', 'voxel_nll_fitted', 'ray_nll', 'ray_25'),
        'miou_fitted',
        ('miou_fitted', 'ray_25'),
        ('loss_occ', 'weighted cross-entropy of voxels (nats)'),
        ('occ/mIoU', 'mIoU (%)'),
    ),
    'depth': ArmTask(
        _open_depth,
        DEPTH_METRICS,
        ('abs_rel', 'abs_rel_fitted', 'd1_fitted', 'rmse_fitted', 'nll_fitted', 'edge_rel_fitted', 'smooth_rel_fitted'),
        'abs_rel_fitted',
        ('abs_rel_fitted', 'd1_fitted'),
        ('loss_depth', 'SILog loss (no unit)'),
        ('depth/abs_rel', 'AbsRel (share)'),
    ),
}

METRIC = {metric.name: metric for task in TASKS.values() for metric in task.metrics}
"""The metrics of all tasks by name."""
