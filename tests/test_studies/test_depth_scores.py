import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from projects.depth.evaluation import DepthMetric
from projects.studies.depth_scores import DepthMeter, mean_depth_map
from projects.studies.measuring import measure


def test_prior_is_the_mean_of_what_was_measured():
    """Pixel means, then the mean of the row, then of all."""
    maps = [np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([[4.0, 0.0], [0.0, 0.0]])]
    assert mean_depth_map(maps).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    maps.append(np.array([[0.0, 0.0], [9.0, 0.0]]))
    assert mean_depth_map(maps).tolist() == [[3.0, 3.0], [9.0, 9.0]]


def test_prior_without_measurements_is_refused():
    with pytest.raises(ValueError, match='hold no depth'):
        mean_depth_map([np.zeros((2, 2))])


def _sample(depth, dense=None):
    data = BaseDataElement()
    data.set_data({'gt_depth': torch.tensor(depth)})
    if dense is not None:
        data.set_data({'gt_depth_dense': torch.tensor(dense)})
    return {'data_samples': data}


class MeanError(BaseMetric):
    """Mean absolute error of the frames with truth."""

    def process(self, data_batch, data_samples):
        for sample in data_samples:
            mask = sample['gt_depth'] > 0
            if mask.any():
                self.results.append((sample['pred_depth'] - sample['gt_depth'])[mask].abs().mean().item())

    def compute_metrics(self, results):
        return {'depth/abs_rel': np.mean(results)}


def test_frames_without_truth_are_left_out_and_scales_belong_to_errors():
    samples = [_sample([[2.0, 0.0]], [[2.0, 5.0]]), _sample([[0.0, 0.0]]), _sample([[4.0, 1.0]])]

    def predict(sample, _):
        return np.array([[1.0, 1.0]]), np.log(np.array([[0.5, 0.25]]))

    prior = (np.array([[2.0, 2.0]]), None)
    meters = measure(samples, {'model': predict, 'prior': lambda *_: prior}, lambda: DepthMeter(MeanError, stride=1))
    assert meters['prior'].frames == meters['model'].frames == 2
    assert meters['model'].scores() == {'abs_rel': pytest.approx((1 + 1.5) / 2)}
    assert meters['model'].dense_scores() == {'abs_rel': pytest.approx(2.5)}
    scales, errors = meters['model'].scales_and_errors()
    assert scales.tolist() == pytest.approx([0.5, 0.5, 0.25])
    assert errors.tolist() == pytest.approx([np.log(2), np.log(4), 0.0])


def test_every_frame_adds_its_metric_to_the_mean_or_nothing_without_truth():
    meter = DepthMeter(lambda: DepthMetric(crop='none'))
    for depth in ([[2.0, 0.0]], [[0.0, 0.0]], [[4.0, 0.0]]):
        meter.add(_sample(depth), (np.array([[3.0, 3.0]]), None))
    assert meter.frame_sums('abs_rel').tolist() == [[0.5, 1.0], [0.0, 0.0], [0.25, 1.0]]


def test_without_dense_truth_there_are_no_dense_scores():
    meter = DepthMeter(MeanError)
    meter.add(_sample([[2.0, 0.0]]), (np.array([[1.0, 1.0]]), None))
    assert meter.dense_scores() is None
