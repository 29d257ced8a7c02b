# DrivingStereo at half resolution, official split: crops of 352x832 in training; Eigen metrics without crop, cap 80 m.
_base_ = './depth-loaders.py'
data_root = 'data/drivingstereo'
crop_size = (352, 832)

train_pipeline = [
    dict(type='LoadDepthImages'),
    dict(type='LoadDepthMap'),
    dict(type='StereoCrop', size=crop_size),
    dict(type='StereoColorAug'),
    dict(type='StereoFlip'),
    dict(type='PackDepthInputs'),
]
test_pipeline = [*train_pipeline[:2], dict(type='PackDepthInputs')]

train_dataloader = dict(
    dataset=dict(
        type='DrivingStereoDataset',
        data_root=data_root,
        ann_file='drivingstereo_infos_train.pkl',
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='DrivingStereoDataset',
        data_root=data_root,
        ann_file='drivingstereo_infos_test.pkl',
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(crop='none')
test_evaluator = val_evaluator
