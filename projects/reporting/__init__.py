"""Self-contained HTML reports about training runs. Knows nothing of occupancy or depth."""

from .charts import figure_to_svg, image_to_data_uri, line_chart
from .page import Figure, Page, Section, Table
from .runs import RunLog, last_checkpoint, read_run_log, run_command
from .terminal import format_table, package_versions, preset_warning, processor_name, write_report

__all__ = [
    'Figure',
    'Page',
    'RunLog',
    'Section',
    'Table',
    'figure_to_svg',
    'format_table',
    'image_to_data_uri',
    'last_checkpoint',
    'line_chart',
    'package_versions',
    'preset_warning',
    'processor_name',
    'read_run_log',
    'run_command',
    'write_report',
]
