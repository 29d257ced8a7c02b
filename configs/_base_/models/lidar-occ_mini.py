# LiDAR-only teacher for two CPU cores: pillars of 0.4 m in eight height slices, BEV of 100 x 100 cells.
teacher = dict(
    type='LidarOccModel',
    data_preprocessor=dict(type='OccDataPreprocessor'),
    pts_encoder=dict(
        type='PillarEncoder',
        pillar_size=[0.4, 0.4],
        channels=8,
        num_slices=8,
        norm_cfg=dict(type='BN1d', eps=1e-3, momentum=0.1),
    ),
    pts_backbone=dict(type='BEVResNet', in_channels=64, channels=[64, 64, 96], num_blocks=[1, 1, 1], strides=[2, 2, 2]),
    pts_neck=dict(type='LSSFPN', in_channels=[64, 96], out_channels=64, extra_upsample=1),
    occ_head=dict(
        type='FlashOccHead',
        in_channels=64,
        mid_channels=64,
        hidden_channels=32,
        upsample=2,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=1.0),
        loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0),
    ),
)
