# FlashOcc M2: one former keyframe, and depth from the motion of the car. Bins are equally wide here.
_base_ = './flashocc_r50-4d_8xb4-24e_occ3d-nus.py'
model = dict(
    type='StereoLSSOccModel',
    img_backbone=dict(out_indices=(0, 2, 3)),  # the first is matched
    view_transform=dict(
        type='StereoLSSViewTransform',
        depth_net=dict(type='StereoDepthNet'),
        loss_depth=dict(type='LiDARDepthLoss', loss_weight=0.05),
    ),
)
# The keyframe before the former one is its reference. The depth loss reads LiDAR.
train_pipeline = [_base_.history, *_base_.train_pipeline[2:]]
train_dataloader = dict(dataset=dict(history=2, modality=_base_.fusion_modality, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(history=2))
test_dataloader = val_dataloader
