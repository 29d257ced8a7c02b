import numpy as np
from scipy import ndimage

from projects.minidrive.sensors.segments import MIN_PIXELS, find_segments


def test_segments_are_the_connected_components():
    rng = np.random.default_rng(0)
    ident = np.kron(rng.integers(0, 4, (12, 15)), np.ones((5, 5), int)).astype(np.int64)
    got = find_segments(ident)
    expected = np.zeros_like(ident)
    count = 0
    for value in range(1, 4):
        labels, n = ndimage.label(ident == value)
        expected[labels > 0] = labels[labels > 0] + count
        count += n
    assert len(np.unique(got)) - 1 == count
    pairs = np.unique(np.stack([got.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == count + 1  # one to one
    ident[:] = 1
    ident[3, 4:6] = 2
    assert find_segments(ident)[3, 4] == 0  # a crumb of fewer than MIN_PIXELS pixels
    assert MIN_PIXELS > 2
