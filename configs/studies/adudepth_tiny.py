# Walks the path of adudepth_labels in minutes; its numbers mean nothing.
_base_ = './adudepth_labels.py'
title = 'Walk of a depth study: these numbers mean nothing'
data = dict(preset='tiny-study', root='data/minidrive-kitti-tiny-study')
epochs = 2
arms = dict(_delete_=True, alone=_base_.student, adudepth=_base_.arms.adudepth)
controls = ['alone']
seeds = [0]
settings = dict(_delete_=True, labels_50=dict(label_part=0.5, labelled_share=0.5))
