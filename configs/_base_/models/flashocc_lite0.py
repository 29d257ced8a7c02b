# flashocc_mini with EfficientNet-Lite0 and its ImageNet weights (stem and first two stages frozen, BatchNorm as it was
# trained) in place of the slim ResNet-18, and a head of the same size as the teacher's.
_base_ = './flashocc_mini.py'
student = dict(
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    img_backbone=dict(
        _delete_=True,
        type='EfficientNetLite0',
        out_indices=(2, 3, 4),
        frozen_stages=3,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://efficientnet-lite0'),
    ),
    img_neck=dict(in_channels=[40, 112, 320]),
    grid_neck=dict(out_channels=64),
    occ_head=dict(in_channels=64),
)
