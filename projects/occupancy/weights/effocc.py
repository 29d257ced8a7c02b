"""Released weights of EFFOcc's camera students: FlashOcc-R50 (M1 in shape) and DistillOcc-R50 (neck of 512 channels).

A distilled file holds its teacher as well, as ``teacher_model.*``.
"""

from .parts import BEV_ENCODER, HEAD, HEAD_ON_DETECTOR, IMAGE, SETTINGS, VIEW
from .rules import Rule, Source

TEACHER = (Rule(r'teacher_model\..+', None),)
SOURCE = Source('EFFOcc', TEACHER + IMAGE + VIEW + BEV_ENCODER + HEAD + HEAD_ON_DETECTOR, SETTINGS)
