# The LiDAR-camera teacher of the sparse task, with the class weights of its student.
_base_ = [
    '../_base_/models/bevfusion-occ_r50.py',
    '../_base_/datasets/sparse-nus.py',
    '../_base_/schedules/adamw-24e.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
model.view_transform.update(point_cloud_range=_base_.point_cloud_range, grid_size=[256, 256, 1])
model.pts_encoder.point_cloud_range = _base_.point_cloud_range
model.occ_head.update(num_heights=_base_.grid_size[2], mask=None)
model.occ_head.loss_occ.class_weight = [1.0] * 17 + [0.25]
model.occ_head.loss_lovasz = dict(type='OccLovaszLoss', loss_weight=1.0)
train_pipeline = [*_base_.train_pipeline[:2], *_base_.fusion_points, dict(type='PackOccInputs')]
test_pipeline = [*_base_.test_pipeline[:2], *_base_.fusion_test_points, dict(type='PackOccInputs')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=test_pipeline))
test_dataloader = val_dataloader

custom_hooks = [dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL')]
