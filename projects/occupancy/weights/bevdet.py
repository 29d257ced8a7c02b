"""Released weights of BEVDet: its detectors (``bevdet-r50-cbgs``, ``bevdet-stbase-4d-stereo-512x1408-cbgs``), with
which published runs start, and BEVDet-Occ with and without temporal stereo.
"""

from .parts import BEV_ENCODER, HEAD, HEAD_ON_DETECTOR, IMAGE, SETTINGS, STEREO, VIEW, VOXEL_ENCODER
from .rules import Rule, Source

DETECTION_HEAD = (Rule(r'pts_bbox_head\..+', None),)
SOURCE = Source(
    'BEVDet',
    IMAGE + STEREO + VIEW + BEV_ENCODER + VOXEL_ENCODER + HEAD + HEAD_ON_DETECTOR + DETECTION_HEAD,
    SETTINGS,
    # It has 59 depth bins of 1 m, a neck of 256 channels and no voxels; upstream skips what has another shape.
    detector_parts=('view_transform', 'frame_encoder', 'grid_backbone', 'grid_neck', 'occ_head'),
)
