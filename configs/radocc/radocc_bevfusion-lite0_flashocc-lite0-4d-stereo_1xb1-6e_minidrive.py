# One former keyframe, and depth from the motion of the car.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0-4d_1xb1-6e_minidrive.py'
model = dict(
    student=dict(
        type='StereoLSSOccModel',
        img_backbone=dict(out_indices=(1, 2, 3, 4)),
        view_transform=dict(type='StereoLSSViewTransform', depth_net=dict(type='StereoDepthNet')),
    )
)
train_dataloader = dict(dataset=dict(history=2))
val_dataloader = dict(dataset=dict(history=2))
test_dataloader = val_dataloader
