# BEVFormer-Occ for two CPU cores: the image network, head and losses of flashocc_lite0, with 100 x 100 queries in place
# of lift-splat.
student = dict(
    type='BEVFormerOccModel',
    data_preprocessor=dict(type='OccDataPreprocessor', mean=[127.0] * 3, std=[128.0] * 3),
    img_backbone=dict(
        type='EfficientNetLite0',
        out_indices=(2, 3, 4),
        frozen_stages=3,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://efficientnet-lite0'),
    ),
    img_neck=dict(
        type='SingleLevelFPN',
        in_channels=[40, 112, 320],
        out_channels=64,
        norm_cfg=dict(type='BN', requires_grad=True),
    ),
    view_transform=dict(
        type='BEVFormerEncoder',
        embed_dims=64,
        bev_size=[100, 100],
        num_layers=2,
        num_levels=1,
        num_heights=4,
        num_points=8,
        num_heads=4,
        self_points=4,
        dropout=0.0,
    ),
    occ_head=dict(
        type='FlashOccHead',
        in_channels=64,
        mid_channels=64,
        hidden_channels=32,
        upsample=2,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=3.0, class_weight=[2.0] * 11 + [1.0] * 6 + [0.25]),
        loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0),
    ),
)
