# FlashOcc M0 trained on the voxels of one labelled LiDAR scan. Weights of the classes: default, not from the paper.
_base_ = [
    '../_base_/models/flashocc_r50.py',
    '../_base_/datasets/sparse-nus.py',
    '../_base_/schedules/adamw-24e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.update(point_cloud_range=_base_.point_cloud_range, grid_size=[256, 256, 1])
model.occ_head.update(num_heights=_base_.grid_size[2], mask=None)
model.occ_head.loss_occ.class_weight = [1.0] * 17 + [0.25]
model.occ_head.loss_lovasz = dict(type='OccLovaszLoss', loss_weight=1.0)

custom_hooks = [dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL')]
