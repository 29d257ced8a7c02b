# flashocc_lite0 trained by LiDAR rays alone: no voxel label is read in training.
_base_ = [
    '../_base_/models/flashocc_lite0.py',
    '../_base_/models/renderocc.py',
    '../_base_/datasets/minidrive-occ.py',
    '../_base_/schedules/adamw-cosine-6e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.point_cloud_range = _base_.point_cloud_range
model.ray_supervision = _base_.ray_supervision
model.ray_supervision.voxel_losses = False
model.ray_supervision.geometry.point_cloud_range = _base_.point_cloud_range
model.ray_supervision.geometry.grid_size = _base_.grid_size

train_pipeline = [
    *_base_.train_pipeline[:3],
    dict(type='LoadLidarPoints'),
    dict(type='LoadPointClasses'),
    dict(type='PointsToEgo'),
    dict(type='LiDARDepthMap'),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='DrawLidarRays', num_rays=4096),
    dict(type='PackOccInputs', extra_labels=['lidar_rays', 'lidar_ray_classes']),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=2)
test_dataloader = dict(batch_size=2)
