# Stereo depth: the encoder, decoder and head of mono-depth_swin-t, and level-wise concatenation of both images.
teacher = dict(
    type='StereoDepthEstimator',
    data_preprocessor=dict(type='DepthDataPreprocessor'),
    encoder=dict(
        type='mmdet.SwinTransformer',
        embed_dims=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        drop_path_rate=0.3,
        out_indices=(0, 1, 2, 3),
        convert_weights=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/'
            'swin_tiny_patch4_window7_224.pth',
        ),
    ),
    fusion=dict(type='ConcatStereoFusion', in_channels=[96, 192, 384, 768]),
    decoder=dict(
        type='WindowCRFDecoder',
        in_channels=[96, 192, 384, 768],
        channels=[64, 128, 256, 512],
        num_heads=[2, 4, 8, 16],
        pool_channels=512,
    ),
    depth_head=dict(
        type='DepthScaleHead',
        in_channels=64,
        mid_channels=64,
        max_depth=80.0,
        loss_depth=dict(type='SILogLoss', variant='bts', max_depth=80.0),
        loss_scale=dict(type='DepthNLLLoss', likelihood='laplace', loss_weight=0.1, max_depth=80.0),
    ),
)
