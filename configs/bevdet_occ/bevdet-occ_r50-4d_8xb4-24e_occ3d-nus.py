# BEVDet-Occ with one former keyframe (BEVDet4D).
_base_ = './bevdet-occ_r50_8xb4-24e_occ3d-nus.py'
model = dict(
    type='TemporalLSSOccModel',
    num_history=1,
    frame_encoder=dict(type='VoxelResNet', in_channels=32, channels=[32], num_blocks=[1], strides=[1]),
    grid_backbone=dict(in_channels=64),
)
# Images of the former keyframe are loaded and augmented with those of the sample.
history = dict(type='LoadImageHistory', transforms=_base_.train_pipeline[:2])
test_history = dict(type='LoadImageHistory', transforms=_base_.test_pipeline[:2])
train_dataloader = dict(dataset=dict(history=1, pipeline=[history, *_base_.camera_train_pipeline[2:]]))
val_dataloader = dict(dataset=dict(history=1, pipeline=[test_history, *_base_.test_pipeline[2:]]))
test_dataloader = val_dataloader
