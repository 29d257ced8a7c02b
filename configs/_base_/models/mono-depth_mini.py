# Monocular depth for two CPU cores: slim ResNet-18, FPN of 64 channels, depth in equal ratios from 1 to 80 m.
student = dict(
    type='MonoDepthModel',
    data_preprocessor=dict(type='DepthDataPreprocessor'),
    backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        base_channels=32,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    decoder=dict(type='DepthFPNDecoder', in_channels=[32, 64, 128, 256], channels=64),
    depth_head=dict(
        type='DepthScaleHead',
        in_channels=64,
        mid_channels=32,
        min_depth=1.0,
        max_depth=80.0,
        activation='log_sigmoid',
        loss_depth=dict(type='SILogLoss', variant='bts', max_depth=80.0),
        loss_scale=dict(type='DepthNLLLoss', likelihood='laplace', loss_weight=0.1, max_depth=80.0),
    ),
)
