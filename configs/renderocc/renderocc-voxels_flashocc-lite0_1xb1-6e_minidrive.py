# LiDAR rays beside voxel labels. The weights of the rays are not tuned.
_base_ = './renderocc_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    ray_supervision=dict(
        voxel_losses=True, losses=dict(loss_ray_end=dict(loss_weight=0.1), loss_ray_class=dict(loss_weight=0.1))
    )
)
train_pipeline = [*_base_.train_pipeline[:3], dict(type='LoadOccupancyLabels'), *_base_.train_pipeline[3:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
