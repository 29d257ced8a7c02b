# Walks the path of radocc_labels in minutes; its numbers mean nothing.
_base_ = './radocc_labels.py'
title = 'Walk of a study: these numbers mean nothing'
data = dict(preset='tiny-study', root='data/minidrive-tiny-study')
epochs = 1
arms = dict(_delete_=True, alone=_base_.student, radocc=_base_.rays)
controls = ['alone']
seeds = [0]
settings = dict(_delete_=True, labels_50=dict(label_part=0.5, labelled_share=0.5))
