import numpy as np
import torch

from projects.engine import draw_prediction
from projects.occupancy import OccDataSample
from projects.occupancy.classes import OCC3D, OCC3D_PALETTE
from projects.occupancy.pictures import with_lidar
from projects.occupancy.visualization import (
    draw_bev,
    draw_oblique,
    draw_panel,
    draw_points_bev,
    overlay_occupancy,
    overlay_points,
    voxel_centers,
)

CAM2EGO = np.array([[0, 0, 1, 0.0], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])
MATRICES = {
    'cam2img': np.array([[100, 0, 79.5], [0, 100, 44.5], [0, 0, 1.0]]),
    'cam2ego': CAM2EGO,
    'img_aug_matrix': np.eye(3),
    'bda_mat': np.eye(4),
}


def empty():
    return np.full((200, 200, 16), 17, np.uint8)


def test_voxels_that_are_not_labelled_are_not_drawn():
    occ = empty()
    occ[100:120, 100:120, 2] = 11
    unknown = occ.copy()
    unknown[90:130, 90:130, 5] = 255
    unknown[:, :, 15] = 255
    np.testing.assert_array_equal(draw_bev(unknown, OCC3D), draw_bev(occ, OCC3D))
    np.testing.assert_array_equal(draw_oblique(unknown, OCC3D), draw_oblique(occ, OCC3D))
    image = np.zeros((90, 160, 3), np.uint8)
    np.testing.assert_array_equal(
        overlay_occupancy(image, unknown, MATRICES, OCC3D), overlay_occupancy(image, occ, MATRICES, OCC3D)
    )


def test_bev_shows_the_topmost_voxel_with_front_up_and_left_left():
    occ = empty()
    occ[199, 199, 2] = 11
    occ[199, 199, 15] = 4
    occ[0, 0, 15] = 10
    picture = draw_bev(occ, OCC3D, scale=1)
    np.testing.assert_array_equal(picture[0, 0], OCC3D_PALETTE[4])
    np.testing.assert_array_equal(picture[199, 199], OCC3D_PALETTE[10])
    assert (picture[100, 100] == 250).all()
    masked = draw_bev(occ, OCC3D, scale=1, mask=occ != 4)
    assert masked[0, 0].tolist() != list(OCC3D_PALETTE[4])


def test_ground_seen_from_above_is_nearer_to_its_own_class_of_the_legend_than_to_any_other():
    """Driveable surface at 0.6 of its colour looked like sidewalk."""
    palette = np.asarray(OCC3D_PALETTE[:17], float)
    for ground in (11, 12, 13, 14):  # driveable surface, other flat, sidewalk, terrain
        occ = empty()
        occ[:, :, 0] = ground
        seen = draw_bev(occ, OCC3D, scale=1)[0, 0].astype(float)
        assert np.linalg.norm(palette - seen, axis=1).argmin() == ground


def test_oblique_view_shows_near_voxels_over_far_ones():
    assert (draw_oblique(empty(), OCC3D) == 250).all()
    occ = empty()
    occ[100:104, 60:140, 2:14] = 4  # a wall
    wall = draw_oblique(occ, OCC3D)
    behind = occ.copy()
    behind[105:107, 90:110, 2:4] = 8  # hidden behind the wall
    np.testing.assert_array_equal(draw_oblique(behind, OCC3D), wall)
    front = occ.copy()
    front[90:92, 90:110, 2:4] = 8
    assert not np.array_equal(draw_oblique(front, OCC3D), wall)


def test_oblique_view_has_left_on_the_left():
    occ = empty()
    occ[100:110, 150:160, 2:8] = 4
    changed = (draw_oblique(occ, OCC3D) != 250).any(2)
    assert np.nonzero(changed)[1].max() < changed.shape[1] / 2


def test_overlays_paint_the_pixel_worked_out_by_hand():
    black = np.zeros((90, 160, 3), np.uint8)
    # (10, 2, 0.5): right -2, down 1, ahead 10 -> u = 79.5 - 20, v = 44.5 + 10.
    points = overlay_points(black, np.array([[10, 2, 0.5]]), MATRICES)
    rows, cols = np.nonzero(points.any(2))
    assert abs(rows.mean() - 54.5) <= 0.5
    assert abs(cols.mean() - 59.5) <= 0.5
    occ = empty()
    occ[125, 105, 3] = 4
    center = voxel_centers(np.array([[125, 105, 3]]), occ.shape, (-40, -40, -1, 40, 40, 5.4))
    np.testing.assert_allclose(center, [[10.2, 2.2, 0.4]])
    voxels = overlay_occupancy(black, occ, MATRICES, OCC3D)
    rows, cols = np.nonzero(voxels.any(2))
    assert abs(rows.mean() - (44.5 + 110 / 10.2)) <= 0.6
    assert abs(cols.mean() - (79.5 - 220 / 10.2)) <= 0.6
    assert not overlay_occupancy(black, occ, MATRICES, OCC3D, mask=np.zeros(occ.shape, bool)).any()


def test_panel_works_without_images_and_without_masks():
    assert draw_panel([], [], {'prediction': empty()}, OCC3D, width=600).shape[1] == 600
    images = [np.zeros((50, 80, 3), np.uint8)] * 6
    panel = draw_panel(
        images, list('abcdef'), {'prediction': empty(), 'label': empty()}, OCC3D, empty() == 17, width=601
    )
    assert panel.shape[1] == 601


META = OCC3D.as_metainfo()


def test_points_from_above_are_where_a_volume_from_above_has_their_voxels():
    xyz = np.array([[10.3, 2.3, 0.5], [-39.9, 39.9, 0.0], [10.3, 2.3, -0.5], [50, 0, 0], [0, 0, 6]])
    picture = draw_points_bev(xyz, OCC3D, 400)
    occ = empty()
    occ[125, 105, 3] = occ[0, 199, 2] = 4
    drawn, voxels = ((image != 250).any(2) for image in (picture, draw_bev(occ, OCC3D, scale=2)))
    assert drawn.sum() == 2  # the last two points are outside, and the third lies below the first
    assert (voxels | ~drawn).all()
    low = draw_points_bev(xyz[2:3], OCC3D, 400)
    assert low[(low != 250).any(2)].tolist() != picture[149:150, 188:189][0].tolist()


def test_prediction_is_drawn_without_a_label_and_without_images():
    sample = OccDataSample(metainfo={'token': 'abc', 'cam_names': ('left', 'right')})
    sample.pred_occ = torch.from_numpy(empty())
    both = draw_prediction(sample, {'imgs': torch.zeros(2, 3, 32, 64, dtype=torch.uint8)}, META)
    alone = draw_prediction(sample, {}, META)
    assert both.shape[1] == alone.shape[1] == 1260
    assert both.shape[0] - alone.shape[0] == 22 + 210  # title and images of a third of the width
    sample.gt_occ = torch.from_numpy(empty())
    assert len(draw_prediction(sample, {}, META)) > len(alone)


def test_lidar_is_added_to_a_pipeline_of_cameras_and_left_where_it_is():
    pipeline = [{'type': 'LoadMultiViewImages'}, {'type': 'PackOccInputs'}]
    drawn = with_lidar({'type': 'A', 'pipeline': pipeline})
    kinds = ['LoadLidarPoints', 'PointsToEgo', 'LoadMultiViewImages', 'PackOccInputs']
    assert [step['type'] for step in drawn['pipeline']] == kinds
    assert drawn['modality'] == {'use_camera': True, 'use_lidar': True}
    pipeline = [{'type': 'PointsToEgo'}, {'type': 'LiDARDepthMap', 'keep_points': False}]
    drawn = with_lidar({'pipeline': pipeline, 'modality': {'use_camera': False, 'use_lidar': True}})
    assert drawn['pipeline'] == [{'type': 'PointsToEgo'}, {'type': 'LiDARDepthMap', 'keep_points': True}]
    assert drawn['modality'] == {'use_camera': False, 'use_lidar': True}
    assert pipeline[1]['keep_points'] is False
