# mono-depth_mini with EfficientNet-Lite0 and its ImageNet weights (stem and first two stages frozen, BatchNorm as it
# was trained) in place of the slim ResNet-18.
_base_ = './mono-depth_mini.py'
student = dict(
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite0',
        out_indices=(1, 2, 3, 4),
        frozen_stages=3,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://efficientnet-lite0'),
    ),
    decoder=dict(in_channels=[24, 40, 112, 320]),
)
