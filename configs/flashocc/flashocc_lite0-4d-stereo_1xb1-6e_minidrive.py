# One former keyframe, and depth from the motion of the car; the keyframe before the former one is its reference.
_base_ = './flashocc_lite0-4d_1xb1-6e_minidrive.py'
model = dict(
    type='StereoLSSOccModel',
    img_backbone=dict(out_indices=(1, 2, 3, 4)),  # the first is matched
    view_transform=dict(type='StereoLSSViewTransform', depth_net=dict(type='StereoDepthNet')),
)
train_dataloader = dict(dataset=dict(history=2))
val_dataloader = dict(dataset=dict(history=2))
test_dataloader = val_dataloader
