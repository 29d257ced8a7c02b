"""Where true depth has edges: by hand on walls, roads and the sky."""

import numpy as np

from projects.depth_eval import depth_edges


def test_an_object_before_a_wall_has_edges_on_both_sides_of_its_outline():
    depth = np.full((3, 12), 20.0)
    depth[:, 6:] = 10.0
    assert depth_edges(depth, reach=0)[1].nonzero()[0].tolist() == [5, 6]
    assert depth_edges(depth, reach=2)[1].nonzero()[0].tolist() == list(range(3, 9))
    assert not depth_edges(np.where(depth == 10, 17.0, depth)).any()  # 17 is more than 0.8 of 20


def test_edges_run_along_columns_as_well():
    depth = np.full((12, 3), 20.0)
    depth[6:] = 10.0
    assert depth_edges(depth, reach=1)[:, 1].nonzero()[0].tolist() == [4, 5, 6, 7]


def test_a_road_and_a_slanted_wall_have_no_edge_although_their_depth_doubles_within_pixels():
    rows, columns = np.mgrid[5:40, 10:60].astype(float)
    assert not depth_edges(600 / rows).any()
    assert not depth_edges(600 / columns).any()


def test_the_sky_is_infinitely_far():
    depth = np.zeros((3, 8))
    depth[:, 4:] = 60.0
    assert depth_edges(depth, reach=0)[1].nonzero()[0].tolist() == [3, 4]
    assert not depth_edges(np.zeros((3, 8))).any()
