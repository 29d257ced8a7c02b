# BEVFormer-Occ (arXiv:2203.17270 with the occupancy settings of the CVPR 2023 challenge): ResNet-50 in place of the
# deformable ResNet-101, four feature maps of 256 channels, 200 x 200 queries, four layers. One keyframe and FlashOcc's
# head, where the challenge has four keyframes and a 3D head.
student = dict(
    type='BEVFormerOccModel',
    data_preprocessor=dict(type='OccDataPreprocessor'),
    img_backbone=dict(
        type='mmdet.ResNet',
        depth=50,
        num_stages=4,
        out_indices=(1, 2, 3),
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='imagenet://resnet50'),
    ),
    img_neck=dict(
        type='mmdet.FPN',
        in_channels=[512, 1024, 2048],
        out_channels=256,
        start_level=0,
        add_extra_convs='on_output',
        num_outs=4,
        relu_before_extra_convs=True,
    ),
    view_transform=dict(
        type='BEVFormerEncoder',
        embed_dims=256,
        bev_size=[200, 200],
        num_layers=4,
        num_levels=4,
        num_heights=8,
        num_points=8,
        ffn_channels=512,
        dropout=0.1,
    ),
    occ_head=dict(
        type='FlashOccHead',
        in_channels=256,
        mid_channels=256,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=1.0),
    ),
)
