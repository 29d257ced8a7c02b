# MiniDrive in KITTI format: pairs of 192x640, crops of 160x448 in training, whole images in testing.
# The data set reads the left image; where a config says dataset=dict(stereo=True), both.
dataset_type = 'KITTIDepthDataset'
class_names = []  # read by mmdet3d.apis.init_model when a checkpoint does not say what its data were
data_root = 'data/minidrive-kitti'
crop_size = (160, 448)

train_pipeline = [
    dict(type='LoadDepthImages'),
    dict(type='LoadDepthMap'),
    dict(type='StereoCrop', size=crop_size),
    dict(type='StereoColorAug'),
    dict(type='StereoFlip'),
    dict(type='PackDepthInputs'),
]
test_pipeline = [
    dict(type='LoadDepthImages'),
    dict(type='LoadDepthMap'),
    dict(type='PackDepthInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='kitti-depth_infos_train.pkl',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='kitti-depth_infos_val.pkl',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='DepthMetric', protocol='eigen', crop='garg', cap=80.0)
test_evaluator = val_evaluator
