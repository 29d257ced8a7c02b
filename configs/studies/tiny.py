# Walks the path of radocc_labels in minutes; its numbers mean nothing.
_base_ = './radocc_labels.py'
title = 'Walk of a study: these numbers mean nothing'
data = dict(preset='tiny-study', root='data/minidrive-tiny-study')
teacher = dict(_delete_=True, config=_base_.teacher, epochs=1)
arms = dict(
    _delete_=True,
    alone=dict(config=_base_.student, epochs=1),
    radocc=dict(config=_base_.rays, epochs=1),
)
controls = ['alone']
seeds = [0]
settings = dict(_delete_=True, labels_50=dict(label_part=0.5))
