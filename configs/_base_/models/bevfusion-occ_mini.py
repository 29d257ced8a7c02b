# Fusion teacher for two CPU cores: lidar-occ_mini with the camera branch of flashocc_mini.
_base_ = './lidar-occ_mini.py'
teacher = dict(
    type='FusionOccModel',
    img_backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        base_channels=32,
        num_stages=4,
        out_indices=(1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    img_neck=dict(
        type='SingleLevelFPN', in_channels=[64, 128, 256], out_channels=64, norm_cfg=dict(type='BN', requires_grad=True)
    ),
    view_transform=dict(
        type='LSSViewTransform',
        in_channels=64,
        out_channels=32,
        grid_size=[100, 100, 4],
        downsample=8,
        depth_range=(1.0, 45.0, 1.0),
        depth_net=dict(type='CameraAwareDepthNet', mid_channels=64, num_blocks=1),
        loss_depth=dict(type='LiDARDepthLoss', loss_weight=0.1),
    ),
    grid_backbone=dict(type='BEVResNet', in_channels=128, channels=[48, 64], num_blocks=[1, 1], strides=[1, 2]),
    grid_neck=dict(type='LSSFPN', in_channels=[48, 64], out_channels=48, extra_upsample=1),
    fuser=dict(type='SEBEVFuser', in_channels=[48, 64], out_channels=64),
)
