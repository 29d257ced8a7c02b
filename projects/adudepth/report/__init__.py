"""The report of the ADU-Depth demo: scores on held-out scenes, controls, calibration, curves and pictures."""

from .calibration import Calibration, calibrate
from .document import NAMES, StudyResult, build_page, checks, describe_gain, score_table, seed_table
from .figures import calibration_chart, colour_depth, colour_error, colour_scale, draw_grid
from .study import Measurement, Predictor, mean_depth_map, measure

__all__ = [
    'NAMES',
    'Calibration',
    'Measurement',
    'Predictor',
    'StudyResult',
    'build_page',
    'calibrate',
    'calibration_chart',
    'checks',
    'colour_depth',
    'colour_error',
    'colour_scale',
    'describe_gain',
    'draw_grid',
    'mean_depth_map',
    'measure',
    'score_table',
    'seed_table',
]
