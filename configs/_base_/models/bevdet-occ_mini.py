# BEVDet-Occ for two CPU cores: slim ResNet-18, stride 8, 100 x 100 x 8 voxels, logits at the full 200 x 200 x 16.
student = dict(
    type='LSSOccModel',
    data_preprocessor=dict(type='OccDataPreprocessor'),
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
        out_channels=16,
        grid_size=[100, 100, 8],
        downsample=8,
        depth_range=(1.0, 45.0, 1.0),
        collapse_z=False,
        depth_net=dict(type='CameraAwareDepthNet', mid_channels=64, num_blocks=1),
        loss_depth=dict(type='LiDARDepthLoss', loss_weight=0.1),
    ),
    grid_backbone=dict(
        type='VoxelResNet', in_channels=16, channels=[16, 24, 32], num_blocks=[1, 1, 1], strides=[1, 2, 2]
    ),
    grid_neck=dict(type='VoxelLSSFPN', in_channels=[16, 24, 32], out_channels=16),
    occ_head=dict(
        type='BEVDetOccHead',
        in_channels=16,
        mid_channels=16,
        hidden_channels=8,
        upsample=2,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=1.0),
        loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0),
    ),
)
