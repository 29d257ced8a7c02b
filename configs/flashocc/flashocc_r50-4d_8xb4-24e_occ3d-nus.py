# FlashOcc with one former keyframe (BEVDet4D): M1 with 80 BEV channels, and the BEV encoder of its release M2.
_base_ = './flashocc_r50-m1_8xb4-24e_occ3d-nus.py'
model = dict(
    type='TemporalLSSOccModel',
    num_history=1,
    view_transform=dict(out_channels=80),
    frame_encoder=dict(type='BEVResNet', in_channels=80, channels=[80], num_blocks=[1], strides=[1]),
    grid_backbone=dict(in_channels=160, channels=[160, 320, 640]),
    grid_neck=dict(in_channels=[160, 640]),
)
# Images of the former keyframe are loaded and augmented with those of the sample.
history = dict(type='LoadImageHistory', transforms=_base_.train_pipeline[:2])
test_history = dict(type='LoadImageHistory', transforms=_base_.test_pipeline[:2])
train_dataloader = dict(dataset=dict(history=1, pipeline=[history, *_base_.camera_train_pipeline[2:]]))
val_dataloader = dict(dataset=dict(history=1, pipeline=[test_history, *_base_.test_pipeline[2:]]))
test_dataloader = val_dataloader
