# BEVDet-Occ with Swin-B as released weights want it.
_base_ = './bevdet-occ_swin-b-4d-stereo_8xb1-24e_occ3d-nus.py'
model = dict(
    data_preprocessor=dict(bgr_to_rgb=False),
    img_neck=dict(align_corners=True),
    view_transform=dict(legacy_trunc=True, legacy_frustum=True),
    frame_encoder=dict(always_project=True),
    grid_backbone=dict(always_project=True),
    grid_neck=dict(align_corners=True),
)
