# Does a student gain from former keyframes? One frame, one former keyframe, and temporal stereo, for the same steps
# with all labels. With the former images of another scene, a student that uses its memory loses.
_base_ = './radocc_labels.py'
title = 'Does memory help a camera student?'
_student = 'configs/flashocc/flashocc_lite0-{}_1xb1-6e_minidrive.py'
arms = dict(
    _delete_=True,
    alone=_base_.student,
    memory=_student.format('4d'),
    stereo=_student.format('4d-stereo'),
    memory_of_another_scene=dict(weights='memory', swap_history=True),
    stereo_of_another_scene=dict(weights='stereo', swap_history=True),
)
controls = ['alone']
pairs = [('stereo', 'memory'), ('memory', 'memory_of_another_scene'), ('stereo', 'stereo_of_another_scene')]
settings = dict(_delete_=True, labels_100=dict())
words = dict(
    alone=('student of one frame', 'Sees the keyframe alone: the control of the same steps.'),
    memory=(
        'one former keyframe',
        'The student also has its features of the keyframe before, moved to now.',
    ),
    stereo=('temporal stereo', 'The same, and depth from the motion of the car between two frames.'),
    memory_of_another_scene=(
        'former keyframe of another scene',
        'The same weights, measured with former images of another scene: what uses its memory loses.',
    ),
    stereo_of_another_scene=(
        'stereo with another scene',
        'The same weights, measured with former images of another scene: what uses its memory loses.',
    ),
)
