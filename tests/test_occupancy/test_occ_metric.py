import multiprocessing
import os
import socket

import numpy as np
import pytest
import torch
import torch.distributed as dist
from mmengine.evaluator import Evaluator

from projects.engine import close_process_group
from projects.occupancy import OccDataSample
from projects.occupancy.evaluation import (
    OccMetric,
    confusion_matrix,
    geometric_iou,
    iou_from_confusion,
    mean_iou,
    write_lidarseg,
    write_submission,
)

META = {'classes': ('a', 'b', 'c', 'free'), 'free_class': 3}


def sample(pred, target, mask=None, token='t'):
    pred, target = (np.asarray(x, np.uint8).reshape(-1, 1, 1) for x in (pred, target))
    mask = np.ones_like(target, bool) if mask is None else np.asarray(mask, bool).reshape(-1, 1, 1)
    return {
        'token': token,
        'pred_occ': torch.tensor(pred),
        'gt_occ': torch.tensor(target),
        'mask_camera': torch.tensor(mask),
    }


def evaluate(samples, **kwargs):
    metric = OccMetric(**kwargs)
    metric.dataset_meta = META
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_confusion_matrix_has_true_classes_in_rows():
    hist = confusion_matrix(np.array([0, 1, 1, 3]), np.array([0, 0, 1, 1]), 4)
    np.testing.assert_array_equal(hist, [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert hist.dtype == np.int64


def test_confusion_matrix_equals_a_slow_count_for_the_highest_ids():
    rng = np.random.default_rng(0)
    pred, target = rng.integers(0, 256, (2, 500)).astype(np.uint8)
    mask = rng.random(500) < 0.5
    slow = np.zeros((256, 256), int)
    for t, p, m in zip(target, pred, mask):
        slow[t, p] += m
    np.testing.assert_array_equal(confusion_matrix(pred, target, 256, mask), slow)


def test_ious_are_those_worked_out_by_hand():
    # target 0 0 1 1 3 3, prediction 0 1 1 3 3 0
    hist = confusion_matrix(np.array([0, 1, 1, 3, 3, 0]), np.array([0, 0, 1, 1, 3, 3]), 4)
    # Class 0: 1 right of 2 true and 2 predicted -> 1 / 3. Class 1 alike. Class 2 is nowhere. Free: 1 / 3.
    np.testing.assert_allclose(iou_from_confusion(hist), [1 / 3, 1 / 3, np.nan, 1 / 3])
    assert mean_iou(hist, 3) == pytest.approx(1 / 3)
    # Occupied: 3 found of 4 true, 4 predicted -> 3 / 5.
    assert geometric_iou(hist, 3) == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ('pred', 'target', 'mask', 'message'),
    [
        ([0, 1], [0], None, 'one shape'),
        ([0, 4], [0, 1], None, r'pred holds class ids 0\.\.4, expected 0\.\.3'),
        ([0, 1], [0, 254], None, 'target holds class ids'),
        ([0, 1], [0, 1], np.array([1, 0], np.uint8), 'mask must be bool'),
    ],
)
def test_bad_arrays_are_refused(pred, target, mask, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(np.array(pred), np.array(target), 4, mask)


def test_metric_reports_percent_with_nan_for_absent_classes():
    result = evaluate([sample([0, 1, 1], [0, 0, 1]), sample([3, 3, 0], [1, 3, 3])])
    assert result['occ/mIoU'] == pytest.approx(100 / 3)
    assert result['occ/IoU'] == pytest.approx(60)
    assert result['occ/IoU_a'] == pytest.approx(100 / 3)
    assert np.isnan(result['occ/IoU_c'])
    assert 'occ/IoU_free' not in result


def test_voxels_outside_the_mask_do_not_count():
    data = [sample([0, 1], [0, 0], mask=[1, 0])]
    assert evaluate(data)['occ/mIoU'] == 100
    assert evaluate(data, mask=None)['occ/mIoU'] == pytest.approx(25)


def test_prediction_of_a_class_that_no_label_has_lowers_the_mean():
    # Class 0: 1 / 1, class 1: 0 of 1 predicted -> mean 50 %.
    assert evaluate([sample([0, 1], [0, 3])])['occ/mIoU'] == 50


def test_metric_starts_anew_with_every_evaluation():
    metric = OccMetric()
    metric.dataset_meta = META
    metric.process({}, [sample([0], [1])])
    metric.evaluate(1)
    metric.process({}, [sample([0], [0])])
    assert metric.evaluate(1)['occ/mIoU'] == 100


def test_sample_without_label_names_its_token_and_the_way_out():
    data = sample([0], [0], token='token-9')
    del data['gt_occ']
    with pytest.raises(ValueError, match=r'token-9 has no .*gt_occ.*format_only'):
        evaluate([data])
    with pytest.raises(ValueError, match='token-9: pred and target must have one shape'):
        evaluate([{**sample([0], [0], token='token-9'), 'pred_occ': torch.zeros(2, 1, 1, dtype=torch.uint8)}])


def test_samples_for_which_the_info_file_names_no_label_are_not_scored():
    nameless = {'token': 'u', 'labelled': False, 'pred_occ': sample([2], [0])['pred_occ']}
    scores = evaluate([sample([0, 1], [0, 0]), nameless])
    assert scores['occ/IoU_a'] == 50
    assert np.isnan(scores['occ/IoU_c'])
    with pytest.raises(ValueError, match='none of the 2 samples has a label'):
        evaluate([nameless, nameless])
    # A label that is named and not there would change the score unseen.
    with pytest.raises(ValueError, match=r'sample u has no .*gt_occ'):
        evaluate([sample([0], [0]), {**nameless, 'labelled': True}])


def test_results_of_two_processes_leave_out_the_sample_that_fills_up_though_one_has_no_label(monkeypatch):
    """Three samples on two processes: the second gets the first sample again, which must not count twice."""
    samples = [sample([0], [0]), {'token': 'u', 'labelled': False, 'pred_occ': torch.zeros(1)}, sample([1], [0])]
    parts = []
    for share in (samples[::2], [samples[1], samples[0]]):
        metric = OccMetric(collect_device='gpu')
        metric.dataset_meta = META
        metric.process({}, share)
        parts.append(metric.results)
    monkeypatch.setattr('mmengine.dist.dist.get_dist_info', lambda: (0, 2))
    monkeypatch.setattr('mmengine.dist.dist.all_gather_object', lambda _: parts)
    assert metric.evaluate(3)['occ/IoU_a'] == 50  # one of the two samples is right


def test_metric_reads_data_samples_through_the_evaluator():
    fields = sample([0, 1], [0, 1])
    data_sample = OccDataSample(metainfo={'token': fields.pop('token')})
    for key, value in fields.items():
        data_sample.set_field(value, key)
    evaluator = Evaluator(OccMetric())
    evaluator.dataset_meta = META
    evaluator.process([data_sample], {})
    assert evaluator.evaluate(1)['occ/mIoU'] == 100


def test_voxels_with_label_255_do_not_count():
    # Class 0: one right, one missed (predicted as 1), one invented in free space: 1 / 3. Class 1: 0 / 1.
    scores = evaluate([sample([0, 1, 0, 0, 2], [0, 0, 3, 255, 255])])
    assert scores['occ/IoU_a'] == pytest.approx(100 / 3)
    assert scores['occ/mIoU'] == pytest.approx(100 / 6)
    assert scores['occ/IoU'] == pytest.approx(100 * 2 / 3)
    with pytest.raises(ValueError, match='sample t: target holds class ids'):
        evaluate([sample([0], [254])])


def test_submission_round_trip_without_labels(tmp_path):
    data = sample([0, 1, 2], [0, 0, 0], token='abc')
    del data['gt_occ'], data['mask_camera']
    assert evaluate([data], submission_dir=str(tmp_path / 'out'), format_only=True) == {}
    with np.load(tmp_path / 'out/abc.npz') as file:
        assert file.files == ['arr_0']
        assert file['arr_0'].dtype == np.uint8
        np.testing.assert_array_equal(file['arr_0'], data['pred_occ'].numpy())
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['abc.npz']


def test_interrupted_submission_file_leaves_nothing(tmp_path, monkeypatch):
    def fail(file, array):
        file.write(b'half')
        raise KeyboardInterrupt

    monkeypatch.setattr(np, 'savez_compressed', fail)
    with pytest.raises(KeyboardInterrupt):
        write_submission(np.zeros((1, 1, 1)), 'abc', str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('token', ['../evil', '{root}/evil', 'a/b', 'a\\b', 'C:evil', 'nul\0', 'x' * 300])
def test_submission_files_stay_in_their_folder(tmp_path, token):
    token = token.format(root=tmp_path)
    data = {'token': token, 'pred_occ': np.zeros((2, 2, 2), np.uint8)}
    with pytest.raises(ValueError, match=r'token .* cannot be a file name'):
        evaluate([data], submission_dir=str(tmp_path / 'out'), format_only=True)
    with pytest.raises(ValueError, match=r'sample_data_token .* cannot be a file name'):
        write_lidarseg(np.ones(3, np.uint8), token, str(tmp_path / 'out'))
    assert not list(tmp_path.rglob('*.*'))


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match='mask'):
        OccMetric(mask='radar')
    with pytest.raises(ValueError, match='submission_dir'):
        OccMetric(format_only=True)


def random_samples(count):
    rng = np.random.default_rng(0)
    return [sample(*rng.integers(0, 4, (2, 50)), mask=rng.random(50) < 0.7, token=str(i)) for i in range(count)]


def run_rank(rank, port, queue):
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    dist.init_process_group('gloo', rank=rank, world_size=2)
    metric = OccMetric()
    metric.dataset_meta = META
    samples = random_samples(5)
    # As DefaultSampler does: rank by rank, padded to equal length with samples from the beginning.
    indices = [*range(5), 0][rank::2]
    for index in indices:
        metric.process({}, [samples[index]])
    result = metric.evaluate(5)
    if rank == 0:
        queue.put(result)
    queue.close()
    queue.join_thread()
    close_process_group()


def test_two_processes_give_exactly_the_numbers_of_one():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    workers = [context.Process(target=run_rank, args=(rank, port, queue)) for rank in range(2)]
    for worker in workers:
        worker.start()
    result = queue.get(timeout=60)
    for worker in workers:
        worker.join(timeout=60)
        assert worker.exitcode == 0
    assert result == evaluate(random_samples(5))
