# FlashOcc M3 as its released weights want it; those of BEVDet's detector fill all but its view transform and its head.
_base_ = './flashocc_swin-b-4d-stereo_8xb2-24e_occ3d-nus.py'
model = dict(
    data_preprocessor=dict(bgr_to_rgb=False),
    img_neck=dict(align_corners=True),
    view_transform=dict(legacy_trunc=True, legacy_frustum=True),
    frame_encoder=dict(shortcut_norm=False, always_project=True),
    grid_backbone=dict(shortcut_norm=False),
    grid_neck=dict(align_corners=True),
)
