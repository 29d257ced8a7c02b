import numpy as np
import pytest

from projects.minidrive.shapes.primitives import meet_prim, ray_table
from projects.minidrive.street.agents import build, fit


@pytest.mark.parametrize(
    'occ_class',
    [
        'others',
        'barrier',
        'bicycle',
        'bus',
        'car',
        'construction_vehicle',
        'motorcycle',
        'pedestrian',
        'traffic_cone',
        'trailer',
        'truck',
    ],
)
def test_box_of_an_agent_just_encloses_its_shape(occ_class):
    rng = np.random.default_rng(0)
    for _ in range(12):
        prims, size = fit(build(occ_class, rng)[2])
        table, half = ray_table(prims), np.array(size) / 2
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for _ in range(600):
            target = rng.uniform(-1, 1, 3) * half + [0, 0, half[2]]
            ray = rng.normal(size=3)
            origin = target - 40 * ray / np.linalg.norm(ray)
            t = min(meet_prim(table, i, *origin, *(target - origin), np.inf) for i in range(len(table)))
            if t < np.inf:
                hit = origin + t * (target - origin)
                low, high = np.minimum(low, hit), np.maximum(high, hit)
        np.testing.assert_array_less(np.abs([low[:2], high[:2]]), [half[:2] + 1e-6] * 2)
        assert low[2] > -1e-6
        assert high[2] < size[2] + 1e-6
        assert ((high - low) > 0.6 * np.array(size)).all()
