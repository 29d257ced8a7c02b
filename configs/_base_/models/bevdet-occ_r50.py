# BEVDet-Occ (arXiv:2211.17111 and its code): ResNet-50, 88 depth bins, 200 x 200 x 16 voxels with 32 channels.
student = dict(
    type='LSSOccModel',
    data_preprocessor=dict(type='OccDataPreprocessor'),
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
        out_channels=32,
        grid_size=[200, 200, 16],
        downsample=16,
        depth_range=(1.0, 45.0, 0.5),
        collapse_z=False,
    ),
    grid_backbone=dict(
        type='VoxelResNet', in_channels=32, channels=[32, 64, 128], num_blocks=[1, 2, 4], strides=[1, 2, 2]
    ),
    grid_neck=dict(type='VoxelLSSFPN', in_channels=[32, 64, 128], out_channels=32),
    occ_head=dict(
        type='BEVDetOccHead',
        in_channels=32,
        mid_channels=32,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=1.0),
    ),
)
