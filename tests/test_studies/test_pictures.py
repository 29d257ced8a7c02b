"""Colours of a report are those of the data set."""

import numpy as np

from projects.occupancy.classes import OccSpec
from projects.occupancy.views import draw_views
from projects.rendering import RenderedView
from projects.studies.pictures import draw_volumes

SPEC = OccSpec(('wall', 'free'), ((10, 200, 30), (255, 0, 255)), (0, 0, 0, 8, 8, 4), (8, 8, 4), ('FRONT',))


def colours(picture):
    return {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}


def test_volumes_and_their_legend_have_the_colours_of_the_data_set():
    occ = np.ones((8, 8, 4), np.int64)
    occ[2:6, 2:6, 3] = 0  # the highest voxels are drawn at full brightness
    found = colours(draw_volumes({'label': occ}, SPEC, np.ones(occ.shape, bool), width=400))
    assert (10, 200, 30) in found
    assert (255, 0, 255) not in found  # free voxels are not drawn


def test_rendered_semantics_have_the_colours_of_the_data_set():
    semantics = np.repeat([[0], [1]], [3, 3], axis=0).repeat(8, axis=1)
    view = RenderedView(np.full((6, 8), np.nan), semantics, np.zeros((6, 8, 2)))
    found = colours(draw_views({'label': view}, SPEC, width=8)[-6:])
    assert found == {(10, 200, 30), (255, 0, 255)}
