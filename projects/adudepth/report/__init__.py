"""The report of the ADU-Depth demo: scores on held-out scenes, controls, calibration, curves and pictures."""

from .calibration import Calibration, calibrate
from .document import NAMES, StudyResult, build_page, checks, describe_gain, score_table, seed_table
from .figures import calibration_chart
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
    'describe_gain',
    'mean_depth_map',
    'measure',
    'score_table',
    'seed_table',
]
