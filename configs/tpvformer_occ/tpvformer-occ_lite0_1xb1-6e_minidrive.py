_base_ = [
    '../_base_/models/tpvformer-occ_lite0.py',
    '../_base_/datasets/minidrive-occ.py',
    '../_base_/schedules/adamw-cosine-6e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.point_cloud_range = _base_.point_cloud_range

# No depth loss, so training reads no LiDAR.
train_dataloader = dict(
    batch_size=1, dataset=dict(modality=_base_.camera_modality, pipeline=_base_.camera_train_pipeline)
)
val_dataloader = dict(batch_size=2)
test_dataloader = dict(batch_size=2)
