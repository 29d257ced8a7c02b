"""The report of the RadOcc demo: scores on held-out scenes, controls, curves and pictures."""

from .document import StudyResult, build_page, describe_gain, ray_table, result_table
from .figures import draw_cameras, draw_ray_distributions, draw_views, draw_volumes
from .ray_depth import RayDepthMeter, RayScores, score_rays
from .renders import camera_rays, choose_rays, label_view, render_views
from .study import (
    Predictor,
    Scores,
    blank_images,
    build_dataset,
    frame_of_another_scene,
    measure,
    most_likely,
    swap_points,
)

__all__ = [
    'Predictor',
    'RayDepthMeter',
    'RayScores',
    'Scores',
    'StudyResult',
    'blank_images',
    'build_dataset',
    'build_page',
    'camera_rays',
    'choose_rays',
    'describe_gain',
    'draw_cameras',
    'draw_ray_distributions',
    'draw_views',
    'draw_volumes',
    'frame_of_another_scene',
    'label_view',
    'measure',
    'most_likely',
    'ray_table',
    'render_views',
    'result_table',
    'score_rays',
    'swap_points',
]
