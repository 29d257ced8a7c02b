# Stereo depth: the backbone, decoder and head of mono-depth_r50, and level-wise concatenation of both images.
teacher = dict(
    type='StereoDepthModel',
    data_preprocessor=dict(type='DepthDataPreprocessor'),
    backbone=dict(
        type='mmdet.ResNet',
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://resnet50'),
    ),
    fuser=dict(type='ConcatStereoFuser', in_channels=[256, 512, 1024, 2048]),
    decoder=dict(type='DepthFPNDecoder', in_channels=[256, 512, 1024, 2048], channels=256),
    depth_head=dict(
        type='DepthScaleHead',
        in_channels=256,
        mid_channels=128,
        max_depth=80.0,
        loss_depth=dict(type='SILogLoss', variant='bts', max_depth=80.0),
        loss_scale=dict(type='DepthNLLLoss', likelihood='laplace', loss_weight=0.1, max_depth=80.0),
    ),
)
