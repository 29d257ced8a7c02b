"""Image segments that are made before training: superpixels and SAM, one uint16 PNG per image.

Their users read them with ``LoadImageSegments``. Only :class:`Sam` needs torch, mmcv and transformers, with its first
image.
"""

from .extract import check_files, extract
from .files import number_segments, segments_fault, write_segments
from .paths import SegmentFile, files_of_folder, files_of_infos, segments_name
from .sam import Sam
from .settings import claim_folder
from .superpixels import Felzenszwalb, Slic

__all__ = [
    'Felzenszwalb',
    'Sam',
    'SegmentFile',
    'Slic',
    'check_files',
    'claim_folder',
    'extract',
    'files_of_folder',
    'files_of_infos',
    'number_segments',
    'segments_fault',
    'segments_name',
    'write_segments',
]
