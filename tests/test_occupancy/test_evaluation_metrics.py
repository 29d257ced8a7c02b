"""RayIoUMetric and LidarSegMetric: streaming, exact for padding, and equal to the pure functions."""

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from occ_oracles import disturb, make_scene

from projects.occ_eval import labels_at_points, lidarseg_confusion, lidarseg_miou, mean_rayiou, ray_counts
from projects.occ_eval.classes import OCC3D_CLASSES
from projects.occupancy.datasets import load_occ_label
from projects.occupancy.evaluation import LidarSegMetric, OccMetric, RayIoUMetric
from projects.occupancy.models import BaseOccHead

META = {'classes': OCC3D_CLASSES, 'free_class': 17}
ORIGINS = {'a': [[0.9, 0.0, 1.8]], 'b': [[0.9, 0.0, 1.8], [5.0, 1.0, 1.7]]}


@pytest.fixture(scope='module')
def samples():
    return [
        {'token': token, 'gt_occ': torch.tensor(scene), 'pred_occ': torch.tensor(disturb(scene, 7))}
        for token, scene in (('a', make_scene(0)), ('b', make_scene(1)))
    ]


def test_rayiou_metric_is_the_function_and_drops_padding(tmp_path, samples):
    (tmp_path / 'origins.json').write_text(json.dumps(ORIGINS))
    metric = RayIoUMetric(origins_file=str(tmp_path / 'origins.json'))
    metric.dataset_meta = META
    metric.process({}, [*samples, samples[0]])  # the sampler's padding repeats the first sample
    result = metric.evaluate(2)
    counts = sum(ray_counts(s['pred_occ'].numpy(), s['gt_occ'].numpy(), np.array(ORIGINS[s['token']])) for s in samples)
    expected = mean_rayiou(counts)
    assert result['rayiou/mean'] == pytest.approx(100 * expected['mean'], abs=1e-12)
    assert result['rayiou/4'] == pytest.approx(100 * expected['4'], abs=1e-12)
    hits = counts[:3, 11] / (counts[3, 11] + counts[4, 11] - counts[:3, 11])
    assert result['rayiou/driveable_surface'] == pytest.approx(100 * hits.mean())
    assert metric.results == []


def test_rayiou_metric_leaves_out_samples_for_which_the_info_file_names_no_label(tmp_path, samples):
    (tmp_path / 'origins.json').write_text(json.dumps(ORIGINS))
    metric = RayIoUMetric(origins_file=str(tmp_path / 'origins.json'))
    metric.dataset_meta = META
    metric.process({}, samples[:1])
    alone = metric.evaluate(1)
    metric.process({}, [samples[0], {'token': 'b', 'labelled': False, 'pred_occ': samples[1]['pred_occ']}])
    np.testing.assert_equal(metric.evaluate(2), alone)


def test_rayiou_metric_names_what_is_missing(tmp_path, samples):
    (tmp_path / 'origins.json').write_text(json.dumps({'b': ORIGINS['b']}))
    metric = RayIoUMetric(origins_file=str(tmp_path / 'origins.json'))
    with pytest.raises(ValueError, match=r'origins\.json has no ray origins for sample a'):
        metric.process({}, samples)
    with pytest.raises(ValueError, match=r"sample b has no \['gt_occ'\]"):
        metric.process({}, [{'token': 'b', 'pred_occ': samples[1]['pred_occ']}])
    with pytest.raises(ValueError, match='ann_file or origins_file'):
        RayIoUMetric()


def test_metrics_and_the_file_evaluator_leave_out_the_same_voxels_and_rays(tmp_path, samples):
    path = Path(__file__).resolve().parents[2] / 'tools/eval_occ.py'
    spec = importlib.util.spec_from_file_location('eval_occ_of_metrics', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    rng = np.random.default_rng(0)
    (tmp_path / 'origins.json').write_text(json.dumps(ORIGINS))
    metrics = [OccMetric(mask='lidar'), RayIoUMetric(origins_file=str(tmp_path / 'origins.json'))]
    for sample in samples:
        label = sample['gt_occ'].numpy().copy()
        label[rng.random(label.shape) < 0.1] = 255
        folder = tmp_path / 'gts/scene' / sample['token']
        folder.mkdir(parents=True)
        masks = {f'mask_{name}': rng.random(label.shape) < 0.5 for name in ('lidar', 'camera')}
        np.savez_compressed(folder / 'labels.npz', semantics=label, **masks)
        (tmp_path / 'pred').mkdir(exist_ok=True)
        np.savez_compressed(tmp_path / f'pred/{sample["token"]}.npz', sample['pred_occ'].numpy())
        loaded = {key: torch.tensor(value) for key, value in load_occ_label(str(folder / 'labels.npz')).items()}
        for metric in metrics:
            metric.dataset_meta = META
            metric.process({}, [{**sample, **loaded}])
    scores = {**metrics[0].evaluate(2), **metrics[1].evaluate(2)}
    arguments = [str(tmp_path / 'gts'), str(tmp_path / 'pred'), '--metrics', 'miou', 'rayiou', '--mask', 'lidar']
    arguments += ['--origins', str(tmp_path / 'origins.json'), '--workers', '1', '--json', str(tmp_path / 'out.json')]
    assert tool.main(arguments) == 0
    report = json.loads((tmp_path / 'out.json').read_text())
    assert report['miou']['mean'] == scores['occ/mIoU']
    assert report['iou'] == scores['occ/IoU']
    assert report['rayiou']['mean'] == scores['rayiou/mean']
    assert report['rayiou']['per_class']['manmade'] == pytest.approx(scores['rayiou/manmade'], abs=1e-12)


@pytest.mark.parametrize('kind', ['mIoU under a mask', 'mIoU files', 'RayIoU', 'lidarseg'])
def test_predictions_without_a_class_are_refused_by_name_with_the_cause(tmp_path, lidar_root, samples, kind):
    (tmp_path / 'origins.json').write_text(json.dumps(ORIGINS))
    metric = {
        'mIoU under a mask': lambda: OccMetric(mask='camera'),  # the voxel is outside of the mask
        'mIoU files': lambda: OccMetric(format_only=True, submission_dir=str(tmp_path / 'out')),
        'RayIoU': lambda: RayIoUMetric(origins_file=str(tmp_path / 'origins.json')),
        'lidarseg': lambda: LidarSegMetric(str(lidar_root / 'infos.pkl'), str(lidar_root)),
    }[kind]()
    metric.dataset_meta = META
    logits = torch.nn.functional.one_hot(samples[0]['pred_occ'].long(), 18).float()[None]
    logits[0, 0, 0, 0, 5] = float('nan')
    logits[0, 0, 0, 1] = float('inf')
    (pred,) = BaseOccHead.predict(logits)
    assert torch.equal(pred[1:], samples[0]['pred_occ'][1:])
    sample = {**samples[0], 'mask_camera': torch.zeros(pred.shape, dtype=torch.bool), 'pred_occ': pred}
    with pytest.raises(ValueError, match=r'sample a: 2 of 640000 predicted voxels have no class .*weights .* are NaN'):
        metric.process({}, [sample])
    assert not (tmp_path / 'out').exists() or not list((tmp_path / 'out').iterdir())


def test_results_stay_small(tmp_path, samples):
    (tmp_path / 'origins.json').write_text(json.dumps(ORIGINS))
    for metric in (RayIoUMetric(origins_file=str(tmp_path / 'origins.json')), OccMetric(mask=None)):
        metric.dataset_meta = META
        metric.process({}, samples)
        assert max(result.nbytes for result in metric.results) < 4096


@pytest.fixture
def lidar_root(tmp_path):
    """Info file, one key scan of three points and its labels (32 categories)."""
    (tmp_path / 'samples/LIDAR_TOP').mkdir(parents=True)
    points = np.array([[0.0, 0, 0, 5, 0], [10.0, 0, 0, 5, 0], [60.0, 0, 0, 5, 0]], np.float32)
    points.tofile(tmp_path / 'samples/LIDAR_TOP/x.bin')
    np.array([17, 24, 24], np.uint8).tofile(tmp_path / 'x_lidarseg.bin')
    lidar2ego = np.eye(4)
    lidar2ego[2, 3] = 0.2
    lidar = {'num_pts_feats': 5, 'lidar_path': 'x.bin', 'lidar2ego': lidar2ego, 'sample_data_token': 'scan'}
    item = {'token': 'a', 'timestamp': 0, 'ego2global': np.eye(4), 'images': {}, 'lidar_points': lidar}
    item['pts_semantic_mask_path'] = 'x_lidarseg.bin'
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps({'metainfo': {}, 'data_list': [item]}))
    return tmp_path


def occupancy():
    occ = np.full((200, 200, 16), 17, np.uint8)
    occ[100, 100, 3] = 4  # around (0, 0, 0.2)
    occ[140, 100, 3] = 11  # 6 m from the point at 10 m, and the nearest to that at 60 m
    return occ


def test_lidarseg_metric_looks_points_up_and_writes_the_file(lidar_root):
    metric = LidarSegMetric(str(lidar_root / 'infos.pkl'), str(lidar_root), submission_dir=str(lidar_root / 'out'))
    metric.dataset_meta = META
    metric.process({}, [{'token': 'a', 'pred_occ': torch.tensor(occupancy())}])
    assert (lidar_root / 'out/scan_lidarseg.bin').read_bytes() == bytes([4, 11, 11])
    result = metric.evaluate(1)
    assert result['lidarseg/mIoU'] == 100
    assert np.isnan(result['lidarseg/bus'])


def test_lidarseg_metric_keeps_of_the_info_file_what_it_reads(own_root):
    """Images, boxes and sweeps of all samples would be in the memory of every process and of its forked workers."""
    path = own_root / 'occ3d-nus_infos_train.pkl'
    metric = LidarSegMetric(str(path), str(own_root))
    items = pickle.loads(path.read_bytes())['data_list']
    assert list(metric.infos) == [item['token'] for item in items]
    kept = ['token', 'ego2global', 'lidar_points', 'pts_semantic_mask_path']
    assert list(metric.infos.values()) == [{key: item[key] for key in kept} for item in items]


def test_lidarseg_metric_needs_labels_unless_it_only_writes(lidar_root):
    infos = pickle.loads((lidar_root / 'infos.pkl').read_bytes())
    infos['data_list'][0]['pts_semantic_mask_path'] = None
    (lidar_root / 'infos.pkl').write_bytes(pickle.dumps(infos))
    arguments = (str(lidar_root / 'infos.pkl'), str(lidar_root))
    sample = {'token': 'a', 'pred_occ': torch.tensor(occupancy())}
    with pytest.raises(ValueError, match='names no lidarseg labels for sample a'):
        LidarSegMetric(*arguments).process({}, [sample])
    with pytest.raises(ValueError, match='has no sample b'):
        LidarSegMetric(*arguments).process({}, [{**sample, 'token': 'b'}])
    with pytest.raises(ValueError, match='submission_dir'):
        LidarSegMetric(*arguments, format_only=True)
    writer = LidarSegMetric(*arguments, format_only=True, submission_dir=str(lidar_root / 'out'))
    writer.process({}, [sample])
    assert writer.evaluate(1) == {}
    assert (lidar_root / 'out/scan_lidarseg.bin').exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda lidar: lidar.update(lidar2ego=np.diag([2.0, 2, 2, 1])),
            r'lidar2ego of sample a in .*infos\.pkl .*scaled',
        ),
        (lambda lidar: lidar.pop('lidar2ego'), r'lidar2ego of sample a in .*infos\.pkl must be numbers'),
        (lambda lidar: lidar.update(num_pts_feats=4), r'x\.bin is truncated|x\.bin has 60 bytes'),
    ],
)
def test_lidarseg_metric_checks_pose_and_scan_as_the_data_set_does(lidar_root, change, message):
    infos = pickle.loads((lidar_root / 'infos.pkl').read_bytes())
    change(infos['data_list'][0]['lidar_points'])
    (lidar_root / 'infos.pkl').write_bytes(pickle.dumps(infos))
    metric = LidarSegMetric(str(lidar_root / 'infos.pkl'), str(lidar_root))
    with pytest.raises(ValueError, match=message):
        metric.process({}, [{'token': 'a', 'pred_occ': torch.tensor(occupancy())}])


def test_points_without_a_class_take_that_of_the_nearest_voxel():
    points = np.array([[0.1, 0.1, 0.3], [3.0, 0.1, 0.3], [13.0, 0.1, 0.3], [np.nan, 0, 0]])
    assert labels_at_points(occupancy(), points, nearest=True).tolist() == [4, 4, 11, 0]
    assert labels_at_points(np.full((200, 200, 16), 17, np.uint8), points[:1], nearest=True).tolist() == [1]


@pytest.mark.parametrize('policy', ['both', 'label'])
def test_policy_of_occ_metric(policy):
    metric = OccMetric(mask=None, nan_policy=policy)
    metric.dataset_meta = META
    # Bus is predicted once and never labelled; car is 1 of 1.
    data = {'pred_occ': torch.tensor([[[4, 3, 17]]]), 'gt_occ': torch.tensor([[[4, 17, 17]]]), 'token': 't'}
    metric.process({}, [data])
    assert metric.evaluate(1)['occ/mIoU'] == (50 if policy == 'both' else 100)
    with pytest.raises(ValueError, match='nan_policy'):
        OccMetric(nan_policy='gt')


def test_lidarseg_of_a_real_scan_labels_itself(realdata):
    scan = np.load(realdata / 'lidarseg_frames/pc_seman_0.npy')[:, 3].astype(np.uint8)
    assert lidarseg_miou(lidarseg_confusion(scan, scan)) == 1


@pytest.fixture
def realdata():
    import os
    from pathlib import Path

    folder = os.environ.get('GEODISTILL_REALDATA')
    if not folder:
        pytest.skip('GEODISTILL_REALDATA is not set')
    return Path(folder)
