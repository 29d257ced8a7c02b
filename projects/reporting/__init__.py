"""Self-contained HTML reports about training runs. Knows nothing of occupancy or depth."""

from .charts import figure_to_svg, image_to_data_uri, line_chart
from .page import Figure, Page, Section, Table
from .runs import RunLog, read_run_log, run_command

__all__ = [
    'Figure',
    'Page',
    'RunLog',
    'Section',
    'Table',
    'figure_to_svg',
    'image_to_data_uri',
    'line_chart',
    'read_run_log',
    'run_command',
]
