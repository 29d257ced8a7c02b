import multiprocessing

import numpy as np
import pytest
from mmengine.logging import MMLogger

from projects.occupancy.datasets.transforms import (
    EgoPointsRangeFilter,
    LoadLidarPoints,
    LoadLidarSweeps,
    PointsToEgo,
    points_loading,
)


@pytest.fixture
def log(monkeypatch):
    """Messages of the warnings, with the memory of earlier ones cleared."""
    messages = []
    monkeypatch.setattr(points_loading._SAID_EMPTY, 'value', 0)
    monkeypatch.setattr(points_loading._SAID_NO_SWEEPS, 'value', 0)
    monkeypatch.setattr(points_loading, 'print_log', lambda message, **kwargs: messages.append(message))
    return messages


def write(path, rows):
    np.asarray(rows, np.float32).reshape(-1, 5).tofile(path)
    return str(path)


def test_key_points_have_intensity_and_no_time_lag(tmp_path):
    path = write(tmp_path / 'p.bin', [[1, 2, 3, 40, 7]])
    out = LoadLidarPoints().transform({'lidar_path': path})
    np.testing.assert_array_equal(out['points'], [[1, 2, 3, 40, 0]])
    assert out['points'].dtype == np.float32


def test_nan_coordinates_and_intensities_stop_with_the_file_and_the_columns(tmp_path):
    path = write(tmp_path / 'nan.bin', [[1, 2, 3, 4, 0], [np.nan, 2, 3, 4, 0], [1, 2, 3, np.inf, 0]])
    with pytest.raises(ValueError, match=r'nan\.bin holds NaN or infinity in x, intensity of 2 of 3 points; copy'):
        LoadLidarPoints().transform({'lidar_path': path})


@pytest.fixture
def cloud():
    rng = np.random.default_rng(0)
    return rng.uniform((-60, -60, -3, 0, 0), (60, 60, 10, 255, 31), (200, 5)).astype(np.float32)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda a: a.astype(np.float64), r'values up to \S+e\+\d+, more than 100000 '),
        (lambda a: a[:, :4], r'an intensity of -\S+, which cannot be negative'),
        (lambda a: np.full_like(a, 1e38), r'values up to 1e\+38'),
        (lambda a: a.astype('>f4'), r'values up to|holds NaN'),
        (lambda a: (a * 100).astype(np.int32), 'NaN or infinity'),
    ],
    ids=['float64', '4 columns', '1e38', 'big-endian', 'int32'],
)
def test_files_of_other_numbers_or_columns_are_refused(tmp_path, cloud, change, message):
    cloud.tofile(tmp_path / 'p.bin')
    assert len(LoadLidarPoints().transform({'lidar_path': str(tmp_path / 'p.bin')})['points']) == 200
    np.ascontiguousarray(change(cloud)).tofile(tmp_path / 'p.bin')
    with pytest.raises(ValueError, match=rf'p\.bin holds .*{message}'.replace('holds .*holds', 'holds')):
        LoadLidarPoints().transform({'lidar_path': str(tmp_path / 'p.bin')})


def test_nan_in_a_number_that_is_not_read_does_no_harm(tmp_path):
    path = write(tmp_path / 'p.bin', [[1, 2, 3, 4, np.nan]])
    np.testing.assert_array_equal(LoadLidarPoints().transform({'lidar_path': path})['points'], [[1, 2, 3, 4, 0]])


def test_empty_cloud_passes_the_whole_pipeline_and_is_warned_about_once(tmp_path, log):
    for name in ('e.bin', 'f.bin'):
        data = {'lidar_path': write(tmp_path / name, []), 'lidar_sweeps': [], 'lidar2ego': np.eye(4)}
        steps = [LoadLidarPoints(), LoadLidarSweeps(), PointsToEgo(), EgoPointsRangeFilter((-1, -1, -1, 1, 1, 1))]
        for step in steps:
            data = step.transform(data)
        assert data['points'].shape == (0, 5)
    assert len(log) == 1
    assert 'e.bin' in log[0]


def test_empty_cloud_is_warned_about_once_over_all_workers(tmp_path, log):
    path = write(tmp_path / 'e.bin', [])
    fork = multiprocessing.get_context('fork')
    counts = fork.SimpleQueue()

    def work():
        LoadLidarPoints().transform({'lidar_path': path})
        counts.put(len(log))

    workers = [fork.Process(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sum(counts.get() for _ in workers) == 1


def test_missing_and_truncated_point_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.bin'):
        LoadLidarPoints().transform({'lidar_path': str(tmp_path / 'gone.bin')})
    (tmp_path / 'cut.bin').write_bytes(bytes(33))
    with pytest.raises(ValueError, match=r'cut\.bin has 33 bytes, not a multiple of 20'):
        LoadLidarPoints().transform({'lidar_path': str(tmp_path / 'cut.bin')})


def sweep(path, shift, lag):
    matrix = np.eye(4)
    matrix[0, 3] = shift
    return {'path': path, 'sweep2key': matrix, 'time_lag': lag}


def test_static_point_of_a_sweep_meets_the_key_point(tmp_path):
    key = write(tmp_path / 'key.bin', [[10, 5, 0, 1, 0]])
    # The car drove 2 m since the sweep, so the point was 2 m farther ahead; the second point is the car itself.
    old = write(tmp_path / 'old.bin', [[12, 5, 0, 2, 0], [0.5, -0.5, 0, 2, 0]])
    data = {'lidar_path': key, 'lidar_sweeps': [sweep(old, -2, 0.2)]}
    points = LoadLidarSweeps().transform(LoadLidarPoints().transform(data))['points']
    np.testing.assert_allclose(points, [[10, 5, 0, 1, 0], [10, 5, 0, 2, 0.2]])


def test_test_mode_takes_the_newest_sweeps_and_training_a_random_choice(tmp_path):
    key = write(tmp_path / 'key.bin', [])
    sweeps = [sweep(write(tmp_path / f'{i}.bin', [[5, 5, 0, i, 0]]), 0, 0.1 * i) for i in range(6)]

    def intensities(test_mode):
        data = {'lidar_path': key, 'lidar_sweeps': sweeps}
        loaded = LoadLidarSweeps(num_sweeps=2, test_mode=test_mode).transform(LoadLidarPoints().transform(data))
        return tuple(loaded['points'][:, 3])

    assert intensities(True) == (0, 1)
    drawn = set()
    for seed in range(20):  # the data set seeds every sample; the draw itself leaves the generator as it was
        np.random.seed(seed)
        drawn.add(intensities(False))
    assert len(drawn) > 3


@pytest.mark.parametrize(('num_sweeps', 'expected', 'said'), [(9, True, 1), (9, False, 0), (0, True, 0), (9, None, 0)])
def test_missing_sweeps_are_said_once_where_they_are_asked_for_and_expected(tmp_path, log, num_sweeps, expected, said):
    data = {'lidar_path': write(tmp_path / 'p.bin', [[1, 2, 3, 4, 0]]), 'token': 'abc', 'ann_file': 'infos.pkl'}
    if expected is not None:
        data['sweeps_expected'] = expected
    for _ in range(2):
        LoadLidarSweeps(num_sweeps).transform(LoadLidarPoints().transform(data))
    assert len(log) == said
    for part in ('num_sweeps=9', 'sample abc of infos.pkl', 'create_data.py occ3d-nus --force', 'set num_sweeps=0'):
        assert said == 0 or part in log[0]


def test_points_move_to_ego_once(tmp_path):
    lidar2ego = np.array([[0, 1, 0, 1], [-1, 0, 0, 0], [0, 0, 1, 1.8], [0, 0, 0, 1.0]])
    data = {'lidar_path': write(tmp_path / 'p.bin', [[2, 3, 0, 9, 0]]), 'lidar2ego': lidar2ego}
    data = PointsToEgo().transform(LoadLidarPoints().transform(data))
    np.testing.assert_allclose(data['points'], [[4, -2, 1.8, 9, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match='PointsToEgo needs points in the lidar frame'):
        PointsToEgo().transform(data)
    with pytest.raises(ValueError, match='LoadLidarSweeps needs points in the lidar frame'):
        LoadLidarSweeps().transform(data)


def test_range_filter_includes_the_minimum_and_excludes_the_maximum():
    points = np.zeros((3, 5), np.float32)
    points[:, 0] = (-1, 0.5, 1)
    out = EgoPointsRangeFilter((-1, -1, -1, 1, 1, 1)).transform({'points': points, 'points_frame': 'ego'})
    np.testing.assert_array_equal(out['points'][:, 0], [-1, 0.5])
    data = {'points': points, 'points_frame': 'ego', 'point_cloud_range': (0, -1, -1, 2, 1, 1)}
    np.testing.assert_array_equal(EgoPointsRangeFilter().transform(data)['points'][:, 0], [0.5, 1])


def test_warnings_reach_the_log_of_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(points_loading._SAID_EMPTY, 'value', 0)
    MMLogger.get_instance('test_lidar_points', logger_name='t')
    LoadLidarPoints().transform({'lidar_path': write(tmp_path / 'quiet.bin', [])})
    captured = capsys.readouterr()
    assert 'quiet.bin' in captured.out + captured.err
