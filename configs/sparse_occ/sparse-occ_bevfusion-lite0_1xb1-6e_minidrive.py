# The LiDAR-camera teacher of the sparse task, for two CPU cores.
_base_ = [
    '../_base_/models/bevfusion-occ_lite0.py',
    '../_base_/datasets/minidrive-sparse.py',
    '../_base_/schedules/adamw-cosine-6e.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
model.view_transform.update(point_cloud_range=_base_.point_cloud_range, grid_size=[128, 128, 5])
model.grid_backbone.in_channels = 160  # five floors of 32 channels
model.pts_encoder.point_cloud_range = _base_.point_cloud_range
model.occ_head.update(num_heights=_base_.grid_size[2], mask=None)
train_pipeline = [*_base_.train_pipeline[:3], *_base_.fusion_points, dict(type='PackOccInputs')]
test_pipeline = [*_base_.test_pipeline[:2], *_base_.fusion_test_points, dict(type='PackOccInputs')]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=2, dataset=dict(modality=_base_.fusion_modality, pipeline=test_pipeline))
test_dataloader = val_dataloader
