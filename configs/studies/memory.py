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
