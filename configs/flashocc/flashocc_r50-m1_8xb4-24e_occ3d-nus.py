# FlashOcc M1: depth bins of 0.5 m and twice the channels after the BEV encoder.
_base_ = './flashocc_r50_8xb4-24e_occ3d-nus.py'
model = dict(
    view_transform=dict(depth_range=(1.0, 45.0, 0.5)),
    grid_neck=dict(out_channels=256),
    occ_head=dict(in_channels=256, mid_channels=256),
)
