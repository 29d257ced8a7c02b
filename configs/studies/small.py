# The question of radocc_labels in an hour on two CPU cores: labels on three of 96 scenes, two seeds, RadOcc against the
# student alone in two ways.
_base_ = './radocc_labels.py'
title = 'Does a LiDAR teacher pay where labels are few?'
arms = dict(
    _delete_=True,
    alone=_base_.student,
    alone_labelled=dict(config=_base_.student, labelled_share=1.0),
    radocc=_base_.rays,
)
controls = ['alone', 'alone_labelled']
seeds = [0, 1]
settings = dict(_delete_=True, labels_3=dict(label_part=0.03, labelled_share=0.5))
