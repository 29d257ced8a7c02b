# FlashOcc M0 trained by LiDAR rays alone. Needs nuScenes-lidarseg and the LiDAR keyframes; no Occ3D label in training.
_base_ = [
    '../_base_/models/flashocc_r50.py',
    '../_base_/models/renderocc.py',
    '../_base_/datasets/occ3d-nus.py',
    '../_base_/schedules/adamw-24e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.point_cloud_range = _base_.point_cloud_range
model.ray_supervision = _base_.ray_supervision
model.ray_supervision.voxel_losses = False
model.ray_supervision.geometry.point_cloud_range = _base_.point_cloud_range
model.ray_supervision.geometry.grid_size = _base_.grid_size

train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type='LoadLidarPoints'),
    dict(type='LoadPointClasses'),
    dict(type='PointsToEgo'),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='DrawLidarRays', num_rays=8192),
    dict(type='PackOccInputs', extra_labels=['lidar_rays', 'lidar_ray_classes']),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

custom_hooks = [dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL')]
