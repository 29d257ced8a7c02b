_base_ = [
    '../_base_/models/bevfusion-occ_r50.py',
    '../_base_/datasets/occ3d-nus.py',
    '../_base_/schedules/adamw-24e.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
model.view_transform.point_cloud_range = _base_.point_cloud_range
model.pts_encoder.point_cloud_range = _base_.point_cloud_range
train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.fusion_train_pipeline))
val_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.fusion_test_pipeline))
test_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.fusion_test_pipeline))

custom_hooks = [dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL')]
