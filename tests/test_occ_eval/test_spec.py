"""What an OccSpec refuses, and its way through the metainfo of a data set."""

from dataclasses import replace

import pytest

from projects.occ_eval import OccSpec
from projects.occ_eval.classes import OCC3D


def test_voxel_size_and_free_class_follow_from_range_grid_and_classes():
    assert OCC3D.voxel_size == (0.4, 0.4, 0.4)
    assert OCC3D.lower == (-40.0, -40.0, -1.0)
    assert OCC3D.classes[OCC3D.free_class] == 'free'


def test_metainfo_is_plain_and_gives_the_spec_back_from_lists_as_well():
    meta = OCC3D.as_metainfo()
    assert OccSpec.from_metainfo(meta) == OCC3D
    assert OccSpec.from_metainfo({key: list(v) if isinstance(v, tuple) else v for key, v in meta.items()}) == OCC3D


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'classes': ('a', 'a')}, 'classes .* must differ'),
        ({'cameras': ('front', 'front')}, 'cameras .* must differ'),
        ({'classes': ('a', 'free')}, '2 classes and 18 colours'),
        ({'point_cloud_range': (0.0, 0.0, 0.0, 1.0, 1.0, 0.0)}, 'point_cloud_range'),
        ({'grid_size': (200, 200)}, 'grid_size'),
        ({'grid_size': (200, 0, 16)}, 'grid_size'),
    ],
)
def test_values_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(OCC3D, **change)


def test_metainfo_without_a_grid_or_with_free_in_the_middle_is_refused():
    meta = OCC3D.as_metainfo()
    with pytest.raises(ValueError, match='free must be the last of its 18 classes, 17'):
        OccSpec.from_metainfo({**meta, 'free_class': 0})
    del meta['grid_size']
    with pytest.raises(ValueError, match=r"no \['grid_size'\]; write it with OccSpec"):
        OccSpec.from_metainfo(meta)
