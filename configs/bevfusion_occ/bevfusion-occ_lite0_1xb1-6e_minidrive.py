_base_ = [
    '../_base_/models/bevfusion-occ_lite0.py',
    '../_base_/datasets/minidrive-occ.py',
    '../_base_/schedules/adamw-cosine-6e.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
model.view_transform.point_cloud_range = _base_.point_cloud_range
model.pts_encoder.point_cloud_range = _base_.point_cloud_range
train_dataloader = dict(
    batch_size=1, dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.fusion_train_pipeline)
)
val_dataloader = dict(batch_size=2, dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.fusion_test_pipeline))
test_dataloader = dict(
    batch_size=2, dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.fusion_test_pipeline)
)
