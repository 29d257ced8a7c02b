"""The metric of depth models, and the fields of a sample."""

import pytest
import torch
from mmdet3d.registry import METRICS

from projects.depth.structures import DepthDataSample
from projects.depth_eval import read_depth


def sample(gt, pred, frame='a'):
    data = DepthDataSample(metainfo={'frame_id': frame})
    data.gt_depth, data.pred_depth = torch.tensor(gt).float(), torch.tensor(pred).float()
    return data.to_dict()


def test_metric_averages_over_images_and_counts_frames_without_truth():
    metric = METRICS.build({'type': 'DepthMetric', 'crop': 'none'})
    metric.process({}, [sample([[10.0, 10.0]], [[11.0, 11.0]]), sample([[10.0, 0.0]], [[13.0, 1.0]])])
    metric.process({}, [sample([[0.0, 0.0]], [[1.0, 1.0]])])
    result = metric.evaluate(3)
    assert result['depth/abs_rel'] == pytest.approx((0.1 + 0.3) / 2)
    assert (result['depth/frames'], result['depth/skipped']) == (2, 1)


def test_results_of_two_processes_leave_out_the_frame_that_fills_up_though_one_has_no_truth(monkeypatch):
    """Three frames on two processes: the second gets the first frame again, which must not count twice."""
    truth, none = torch.full((2, 2), 10.0), torch.zeros(2, 2)
    frames = [sample(truth, truth), sample(none, truth), sample(truth, 2 * truth)]
    parts = []
    for share in (frames[::2], [frames[1], frames[0]]):
        metric = METRICS.build({'type': 'DepthMetric', 'crop': 'none', 'collect_device': 'gpu'})
        metric.process({}, share)
        parts.append(metric.results)
    monkeypatch.setattr('mmengine.dist.dist.get_dist_info', lambda: (0, 2))
    monkeypatch.setattr('mmengine.dist.dist.all_gather_object', lambda _: parts)
    result = metric.evaluate(3)
    assert result['depth/abs_rel'] == 0.5
    assert (result['depth/frames'], result['depth/skipped']) == (2, 1)


def test_metric_of_the_benchmark_fills_holes():
    metric = METRICS.build({'type': 'DepthMetric', 'protocol': 'kitti'})
    metric.process({}, [sample([[10.0, 10.0, 10.0]], [[12.0, 0.0, 11.0]])])
    assert metric.evaluate(1)['depth/abs_error_rel'] == pytest.approx((20 + 10 + 10) / 3)


def test_metric_names_the_frame_and_refuses_wrong_options():
    metric = METRICS.build({'type': 'DepthMetric'})
    with pytest.raises(ValueError, match='frame a: prediction is 1x1, ground truth 1x2'):
        metric.process({}, [sample([[1.0, 1.0]], [[1.0]])])
    with pytest.raises(ValueError, match='frame a has no'):
        metric.process({}, [{'frame_id': 'a', 'pred_depth': torch.ones(1, 1)}])
    for options in ({'protocol': 'x'}, {'crop': 'x'}, {'cap': 0.0}, {'format_only': True}):
        with pytest.raises(ValueError, match='DepthMetric'):
            METRICS.build(dict(type='DepthMetric', **options))


@pytest.mark.parametrize('options', [{}, {'protocol': 'kitti'}, {'format_only': True}])
def test_metric_refuses_a_prediction_that_is_not_finite_with_its_frame_and_writes_nothing(tmp_path, options):
    metric = METRICS.build(dict(type='DepthMetric', crop='none', submission_dir=str(tmp_path / 'out'), **options))
    with pytest.raises(ValueError, match='frame a: prediction holds NaN or infinity at 2 of 2 pixels; weights'):
        metric.process({}, [sample([[1.0, 0.0]], [[float('nan'), float('inf')]])])
    assert not (tmp_path / 'out').exists()


def test_metric_writes_predictions_as_16_bit_files(tmp_path):
    metric = METRICS.build({'type': 'DepthMetric', 'submission_dir': str(tmp_path), 'format_only': True})
    metric.process({}, [{'frame_id': 'drive/0000000001', 'pred_depth': torch.full((2, 3), 12.5)}])
    assert metric.evaluate(1) == {}
    assert (read_depth(tmp_path / 'drive' / '0000000001.png') == 12.5).all()


@pytest.mark.parametrize('frame', ['../evil', '../../evil', '{root}/evil', 'a/../../evil', 'a/b/c', '..\\evil', None])
def test_metric_writes_nothing_outside_of_its_folder(tmp_path, frame):
    metric = METRICS.build({'type': 'DepthMetric', 'submission_dir': str(tmp_path / 'sub'), 'format_only': True})
    frame = frame and frame.format(root=tmp_path)
    with pytest.raises(ValueError, match=r'frame_id .* cannot be a file name'):
        metric.process({}, [{'frame_id': frame, 'pred_depth': torch.ones(2, 3)}])
    assert not list(tmp_path.rglob('*.*'))


def test_fields_of_the_sample_are_checked():
    data = DepthDataSample()
    with pytest.raises(TypeError, match='gt_depth of DepthDataSample must be float32'):
        data.gt_depth = torch.zeros(2, 2, dtype=torch.float64)
    with pytest.raises(TypeError, match='2 dimensions'):
        data.pred_log_scale = torch.zeros(1, 2, 2)
