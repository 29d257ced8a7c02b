# LiDAR-only teacher: the LiDAR branch of the fusion teacher (bevfusion-occ_r50) with a channel-to-height head.
teacher = dict(
    type='LidarOccModel',
    data_preprocessor=dict(type='OccDataPreprocessor'),
    pts_encoder=dict(
        type='PillarEncoder',
        pillar_size=[0.2, 0.2],
        channels=64,
    ),
    pts_backbone=dict(
        type='SECOND',
        in_channels=64,
        out_channels=[64, 128, 256],
        layer_nums=[3, 5, 5],
        layer_strides=[2, 2, 2],
        norm_cfg=dict(type='BN', eps=1e-3, momentum=0.01),
    ),
    pts_neck=dict(
        type='SECONDFPN',
        in_channels=[64, 128, 256],
        out_channels=[128, 128, 128],
        upsample_strides=[1, 2, 4],
        norm_cfg=dict(type='BN', eps=1e-3, momentum=0.01),
        upsample_cfg=dict(type='deconv', bias=False),
    ),
    occ_head=dict(
        type='FlashOccHead',
        in_channels=384,
        mid_channels=256,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=1.0),
    ),
)
