# The published schedule; images as all full-size students of this repository see them. Not measured.
_base_ = [
    '../_base_/models/bevformer-occ_r50.py',
    '../_base_/datasets/occ3d-nus.py',
    '../_base_/schedules/adamw-cosine-24e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.point_cloud_range = _base_.point_cloud_range

# No depth loss, so training reads no LiDAR.
train_pipeline = [
    dict(type='LoadMultiViewImages'),
    dict(
        type='MultiViewImageAug',
        final_dim=_base_.input_size,
        resize_lim=(-0.06, 0.11),
        rot_lim=(-5.4, 5.4),
        flip=True,
    ),
    dict(type='LoadOccupancyLabels'),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='PackOccInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(modality=_base_.camera_modality, pipeline=train_pipeline))
