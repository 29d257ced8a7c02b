"""Aggregated labels of generated scenes beside their exact ones."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from projects.minidrive import get_preset
from projects.minidrive.formats.nuscenes_record import scan_scene
from projects.minidrive.sensors.aggregated_labels import annotate, make_aggregated_label
from projects.minidrive.sensors.aggregation import Boxes
from projects.minidrive.sensors.label_noise import LabelNoise
from projects.minidrive.sensors.labels import make_label
from projects.minidrive.shapes.geometry import apply, invert
from projects.minidrive.shapes.taxonomy import LIDARSEG_TO_OCC

FREE = 17
KEYFRAME, TIME = 1, 0.5


@pytest.fixture(scope='module', params=[1, 2])
def generated(request):
    scene, sweeps, _ = scan_scene(get_preset('tiny'), 0, request.param)
    scans = annotate(scene, sweeps, LabelNoise(), np.random.default_rng(0))
    label = make_aggregated_label(scene, KEYFRAME, scans)
    return SimpleNamespace(
        scene=scene, sweeps=sweeps, scans=scans, label=label, exact=make_label(scene, KEYFRAME, sweeps)
    )


def test_at_least_95_percent_of_the_voxels_that_both_labels_call_occupied_have_the_same_class(generated):
    exact, made = generated.exact['semantics'], generated.label['semantics']
    both = (exact != FREE) & (made != FREE)
    assert both.sum() > 5000
    assert (exact == made)[both].mean() > 0.95


def test_occupied_voxels_are_occupied_in_truth_and_what_was_not_scanned_is_missing(generated):
    exact, made = generated.exact['semantics'], generated.label['semantics']
    observed, seen = generated.exact['mask_lidar'] > 0, generated.exact['mask_camera'] > 0
    assert (exact != FREE)[observed & (made != FREE)].mean() > 0.93  # ranges are noisy at the walls of voxels
    assert 0.6 < (made != FREE)[seen & (exact != FREE)].mean() < 0.95


def test_masks_are_those_of_the_exact_label_but_for_the_holes(generated):
    exact, made = generated.exact, generated.label
    assert all(made[name].dtype == np.uint8 and made[name].shape == (200, 200, 16) for name in exact)
    assert (made['mask_camera'] <= made['mask_lidar']).all()
    assert (made['mask_lidar'][made['semantics'] != FREE] == 1).all()
    assert (made['mask_lidar'] == exact['mask_lidar']).mean() > 0.99
    assert (made['mask_camera'] == exact['mask_camera']).mean() > 0.96


def strays(generated, label):
    """Number of voxels of a class of moving objects whose centre is more than a voxel away from all boxes."""
    scene = generated.scene
    classes = {int(LIDARSEG_TO_OCC[s.categories[s.agents == i]][0]) for s in generated.sweeps for i in moving(scene)
               if (s.agents == i).any()}  # fmt: skip
    index = np.argwhere(np.isin(label['semantics'], sorted(classes)))
    centres = apply(scene.path.pose(TIME), (index + 0.5) * 0.4 + [-40.0, -40.0, -1.0])
    near = np.zeros(len(index), bool)
    for agent in scene.agents:
        pose, size = scene.agent_box(agent, TIME)
        near |= (np.abs(apply(invert(pose), centres)) < np.array(size) / 2 + 0.4).all(axis=1)
    return (~near).sum()


def moving(scene):
    return [index for index, agent in enumerate(scene.agents) if agent.speed > 2.0]


def test_moving_objects_are_not_smeared_and_without_their_boxes_they_are(generated):
    nothing = Boxes(np.zeros((0, 4, 4)), np.zeros((0, 3)))
    blind = [dataclasses.replace(scan, owners=np.full_like(scan.owners, -1), boxes=nothing) for scan in generated.scans]
    stray = strays(generated, generated.label)
    smeared = strays(generated, make_aggregated_label(generated.scene, KEYFRAME, blind))
    assert moving(generated.scene)
    assert smeared > 50 > 10 > stray


def test_the_said_part_of_the_points_has_a_wrong_class_and_fewer_voxels_have(generated):
    spoilt = annotate(generated.scene, generated.sweeps, LabelNoise(wrong_points=0.2), np.random.default_rng(0))
    for scan, clean in zip(spoilt, generated.scans):
        assert (scan.classes != clean.classes).sum() == round(0.2 * len(clean.classes))
        np.testing.assert_array_equal(scan.owners, clean.owners)
    made, clean = make_aggregated_label(generated.scene, KEYFRAME, spoilt)['semantics'], generated.label['semantics']
    np.testing.assert_array_equal(made != FREE, clean != FREE)
    assert 0.02 < (made != clean)[clean != FREE].mean() < 0.2  # most voxels hold several points


def test_boxes_are_off_by_the_said_amount_and_moving_objects_are_smeared_a_little(generated):
    off = annotate(generated.scene, generated.sweeps, LabelNoise(box_offset=0.3), np.random.default_rng(1))
    times = [scan.time for scan in off]
    keys = [times.index(time) for time in (0.0, TIME)]
    shifts = np.concatenate([(off[k].boxes.poses - generated.scans[k].boxes.poses)[:, :3, 3] for k in keys])
    assert 0.15 < shifts.std() < 0.45
    made = make_aggregated_label(generated.scene, KEYFRAME, off)
    changed = made['semantics'] != generated.label['semantics']
    assert 10 < changed.sum() < 0.1 * (made['semantics'] != FREE).sum()
    assert strays(generated, made) > strays(generated, generated.label)  # points that left a box stay behind
