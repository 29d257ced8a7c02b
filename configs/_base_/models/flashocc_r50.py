# FlashOcc M0 (arXiv:2311.12058): ResNet-50, 44 depth bins, 64 BEV channels, channel-to-height head.
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
        out_channels=64,
        grid_size=[200, 200, 1],
        downsample=16,
        depth_range=(1.0, 45.0, 1.0),
    ),
    grid_backbone=dict(type='BEVResNet', in_channels=64, channels=[128, 256, 512]),
    grid_neck=dict(type='LSSFPN', in_channels=[128, 512], out_channels=128),
    occ_head=dict(
        type='FlashOccHead',
        in_channels=128,
        mid_channels=128,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=1.0),
    ),
)
