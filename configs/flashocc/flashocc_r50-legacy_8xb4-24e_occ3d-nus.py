# FlashOcc M0 as its released weights want it: geometry, upsampling, shortcuts and colours of the authors' code.
_base_ = './flashocc_r50_8xb4-24e_occ3d-nus.py'
model = dict(
    data_preprocessor=dict(bgr_to_rgb=False),
    view_transform=dict(legacy_trunc=True, legacy_frustum=True),
    grid_backbone=dict(shortcut_norm=False),
    grid_neck=dict(align_corners=True),
)
