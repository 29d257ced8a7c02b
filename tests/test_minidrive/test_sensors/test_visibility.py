import numpy as np

from projects.minidrive.sensors.visibility import walk_to


def test_traversal_marks_exactly_the_voxels_of_a_segment():
    rng = np.random.default_rng(0)
    for _ in range(20):
        origin, end = rng.uniform(-3, 12, 3), rng.uniform(-3, 12, 3)
        mark, nothing = np.zeros((8, 9, 10), np.uint8), np.zeros((8, 9, 10), bool)
        walk_to(origin, end[None], nothing, mark)
        points = origin + np.linspace(0, 1, 20_001)[:, None] * (end - origin)
        cells = np.floor(points).astype(int)
        cells = cells[((cells >= 0) & (cells < mark.shape)).all(axis=1)]
        expected = np.zeros_like(mark)
        expected[tuple(cells.T)] = 1
        assert (mark >= expected).all()
        assert (mark != expected).sum() <= 1  # a corner that the sampled oracle steps over


def test_traversal_ends_at_the_first_stop():
    mark, stop = np.zeros((8, 4, 4), np.uint8), np.zeros((8, 4, 4), bool)
    stop[3, 1, 1] = True
    walk_to(np.array([-2.0, 1.5, 1.5]), np.array([[7.5, 1.5, 1.5]]), stop, mark)
    np.testing.assert_array_equal(np.argwhere(mark), [[x, 1, 1] for x in range(4)])
