# Fusion teacher: FlashOcc camera branch with 88 depth bins, LiDAR branch (that of lidar-occ_pillar) and channel gate of
# RadOcc's teacher (pillars of 0.2 m, SECOND 3/5/5 with 64/128/256 channels).
_base_ = './lidar-occ_pillar.py'
teacher = dict(
    type='FusionOccModel',
    img_backbone=dict(
        type='mmdet.ResNet',
        depth=50,
        num_stages=4,
        out_indices=(2, 3),
        frozen_stages=-1,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        with_cp=False,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://resnet50'),
    ),
    img_neck=dict(type='SingleLevelFPN', in_channels=[1024, 2048], out_channels=256),
    view_transform=dict(
        type='LSSViewTransform',
        in_channels=256,
        out_channels=64,
        grid_size=[200, 200, 1],
        downsample=16,
        depth_range=(1.0, 45.0, 0.5),
        loss_depth=dict(type='LiDARDepthLoss', loss_weight=0.05),
    ),
    grid_backbone=dict(type='BEVResNet', in_channels=64, channels=[128, 256, 512]),
    grid_neck=dict(type='LSSFPN', in_channels=[128, 512], out_channels=256),
    fuser=dict(type='SEBEVFuser', in_channels=[256, 384], out_channels=256),
    occ_head=dict(in_channels=256),
)
