"""Data set, metric and pictures under a Runner."""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner


class Oracle(BaseModel):
    """Predicts the label, or free everywhere."""

    def __init__(self, blind=False):
        super().__init__()
        self.blind = blind

    def forward(self, inputs, data_samples, mode='tensor'):
        for sample in data_samples:
            sample.pred_occ = sample.gt_occ * 0 + 17 if self.blind else sample.gt_occ.clone()
        return data_samples


def run_test(repo, root, work_dir, model):
    config = Config.fromfile(repo / 'configs/_base_/datasets/minidrive-occ.py')
    dataloader = config.test_dataloader
    dataloader.dataset.data_root = str(root)
    runner = Runner(
        model,
        str(work_dir),
        test_dataloader=dataloader,
        test_evaluator=config.test_evaluator,
        test_cfg={'type': 'TestLoop'},
        custom_hooks=[{'type': 'PredictionPictureHook', 'draw': True, 'test_out_dir': str(work_dir / 'pictures')}],
        default_scope='mmdet3d',
        experiment_name=work_dir.name,
        log_level='WARNING',
    )
    return runner.test()


def test_oracle_reaches_100_percent_and_every_sample_is_drawn(repo, nuscenes_root, tmp_path):
    metrics = run_test(repo, nuscenes_root, tmp_path / 'oracle', Oracle())
    assert metrics['occ/mIoU'] == metrics['occ/IoU'] == 100
    assert metrics['occ/IoU_car'] == metrics['occ/IoU_driveable_surface'] == 100
    assert np.isnan(metrics['occ/IoU_bus'])
    assert len(list((tmp_path / 'oracle/pictures').iterdir())) == 2


def test_model_that_predicts_free_everywhere_has_zero(repo, nuscenes_root, tmp_path):
    metrics = run_test(repo, nuscenes_root, tmp_path / 'blind', Oracle(blind=True))
    assert metrics['occ/mIoU'] == metrics['occ/IoU'] == pytest.approx(0)
