# Monocular depth for small GPUs: Swin-T of ImageNet-1k and the window-attention decoder at half width.
_base_ = './mono-depth_swin-l.py'
student = dict(
    backbone=dict(
        embed_dims=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        init_cfg=dict(checkpoint='imagenet://swin-t'),
    ),
    decoder=dict(in_channels=[96, 192, 384, 768], channels=[64, 128, 256, 512], num_heads=[2, 4, 8, 16]),
    depth_head=dict(in_channels=64, mid_channels=64),
)
