# FlashOcc M2 as its released weights want it: the depth network of its code, and bins that widen with the depth.
_base_ = './flashocc_r50-4d-stereo_8xb4-24e_occ3d-nus.py'
model = dict(
    data_preprocessor=dict(bgr_to_rgb=False),
    view_transform=dict(
        legacy_trunc=True,
        legacy_frustum=True,
        depth_spacing='log',
        depth_net=dict(type='BEVStereoDepthNet'),
    ),
    frame_encoder=dict(shortcut_norm=False, always_project=True),
    grid_backbone=dict(shortcut_norm=False),
    grid_neck=dict(align_corners=True),
)
