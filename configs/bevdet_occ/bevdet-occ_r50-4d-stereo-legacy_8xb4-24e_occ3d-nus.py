# BEVDet-Occ with temporal stereo as released weights want it, with the depth network of their code.
_base_ = './bevdet-occ_r50-4d-stereo_8xb4-24e_occ3d-nus.py'
model = dict(
    data_preprocessor=dict(bgr_to_rgb=False),
    view_transform=dict(legacy_trunc=True, legacy_frustum=True, depth_net=dict(type='BEVStereoDepthNet')),
    frame_encoder=dict(always_project=True),
    grid_backbone=dict(always_project=True),
    grid_neck=dict(align_corners=True),
)
