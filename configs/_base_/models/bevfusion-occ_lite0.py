# bevfusion-occ_mini with the camera branch of flashocc_lite0, and the class weights of that student.
_base_ = './bevfusion-occ_mini.py'
teacher = dict(
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
    occ_head=dict(loss_occ=dict(loss_weight=3.0, class_weight=[2.0] * 11 + [1.0] * 6 + [0.25])),
)
