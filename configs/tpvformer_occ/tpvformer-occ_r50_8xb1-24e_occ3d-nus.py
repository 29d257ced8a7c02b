# The published schedule; images as all full-size students of this repository see them. Not measured.
_base_ = [
    '../_base_/models/tpvformer-occ_r50.py',
    '../_base_/datasets/occ3d-nus.py',
    '../_base_/schedules/adamw-cosine-24e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.point_cloud_range = _base_.point_cloud_range

# No depth loss, so training reads no LiDAR.
train_dataloader = dict(
    batch_size=1, dataset=dict(modality=_base_.camera_modality, pipeline=_base_.camera_train_pipeline)
)
