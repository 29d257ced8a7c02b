"""Self-contained HTML pages of text, tables and charts. Knows nothing of studies, occupancy or depth."""

from .charts import figure_to_svg, hide_frame, image_to_data_uri, interval_chart, line_chart, line_style, seed_chart
from .page import Comparison, Figure, Page, Section, Table
from .terminal import format_table, package_versions, processor_name

__all__ = [
    'Comparison',
    'Figure',
    'Page',
    'Section',
    'Table',
    'figure_to_svg',
    'format_table',
    'hide_frame',
    'image_to_data_uri',
    'interval_chart',
    'line_chart',
    'line_style',
    'package_versions',
    'processor_name',
    'seed_chart',
]
