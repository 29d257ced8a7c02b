# The question of radocc_labels in an hour on two CPU cores: RadOcc against the student alone, labels on a quarter of
# the scenes, two seeds, half of the steps.
_base_ = './radocc_labels.py'
title = 'Does a LiDAR teacher pay where labels are few?'
teacher = dict(_delete_=True, config=_base_.teacher, epochs=4)
arms = dict(
    _delete_=True,
    alone=dict(config=_base_.student, epochs=3),
    radocc=dict(config=_base_.rays, epochs=3),
)
controls = ['alone']
seeds = [0, 1]
settings = dict(_delete_=True, labels_25=dict(label_part=0.25))
