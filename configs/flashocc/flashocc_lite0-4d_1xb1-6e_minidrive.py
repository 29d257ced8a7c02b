# flashocc_lite0 with one former keyframe (BEVDet4D), without the encoder of each frame that the full-size configs have:
# in so few steps it costs more than memory gives (README.md).
_base_ = './flashocc_lite0_1xb1-6e_minidrive.py'
model = dict(
    type='TemporalLSSOccModel',
    num_history=1,
    grid_backbone=dict(in_channels=256),
)
# Images of the former keyframe are loaded and augmented with those of the sample.
history = dict(type='LoadImageHistory', transforms=_base_.train_pipeline[:3])
test_history = dict(type='LoadImageHistory', transforms=_base_.test_pipeline[:2])
train_dataloader = dict(dataset=dict(history=1, pipeline=[history, *_base_.train_pipeline[3:]]))
val_dataloader = dict(dataset=dict(history=1, pipeline=[test_history, *_base_.test_pipeline[2:]]))
test_dataloader = val_dataloader
