# The teacher sees the present keyframe, the student the former one as well.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    student=dict(
        type='TemporalLSSOccModel',
        num_history=1,
        grid_backbone=dict(in_channels=256),
    )
)
history = dict(type='LoadImageHistory', transforms=_base_.distill_train_pipeline[:3])
test_history = dict(type='LoadImageHistory', transforms=_base_.test_pipeline[:2])
train_dataloader = dict(dataset=dict(history=1, pipeline=[history, *_base_.distill_train_pipeline[3:]]))
val_dataloader = dict(dataset=dict(history=1, pipeline=[test_history, *_base_.test_pipeline[2:]]))
test_dataloader = val_dataloader
