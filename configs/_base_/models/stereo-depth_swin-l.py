# Stereo depth: the backbone, decoder and head of mono-depth_swin-l, and level-wise concatenation of both images.
teacher = dict(
    type='StereoDepthModel',
    data_preprocessor=dict(type='DepthDataPreprocessor'),
    backbone=dict(
        type='mmdet.SwinTransformer',
        embed_dims=192,
        depths=[2, 2, 18, 2],
        num_heads=[6, 12, 24, 48],
        window_size=7,
        drop_path_rate=0.3,
        out_indices=(0, 1, 2, 3),
        convert_weights=True,
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://swin-l'),
    ),
    fuser=dict(type='ConcatStereoFuser', in_channels=[192, 384, 768, 1536]),
    decoder=dict(
        type='WindowCRFDecoder',
        in_channels=[192, 384, 768, 1536],
        channels=[128, 256, 512, 1024],
        num_heads=[4, 8, 16, 32],
        pool_channels=512,
    ),
    depth_head=dict(
        type='DepthScaleHead',
        in_channels=128,
        mid_channels=128,
        max_depth=80.0,
        loss_depth=dict(type='SILogLoss', variant='bts', max_depth=80.0),
        loss_scale=dict(type='DepthNLLLoss', likelihood='laplace', loss_weight=0.1, max_depth=80.0),
    ),
)
