# stereo-depth_mini with the backbone of mono-depth_lite0.
_base_ = './stereo-depth_mini.py'
teacher = dict(
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite0',
        out_indices=(1, 2, 3, 4),
        frozen_stages=3,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://efficientnet-lite0'),
    ),
    fuser=dict(in_channels=[24, 40, 112, 320]),
    decoder=dict(in_channels=[24, 40, 112, 320]),
)
