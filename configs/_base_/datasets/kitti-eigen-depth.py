# KITTI, Eigen split: KB crop, crops of 352x1120 in training, 1 sample per GPU. Augmentation of NeWCRFs
# without rotation.
dataset_type = 'KITTIDepthDataset'
class_names = []  # read by mmdet3d.apis.init_model when a checkpoint does not say what its data were
data_root = 'data/kitti'
crop_size = (352, 1120)

train_pipeline = [
    dict(type='LoadDepthImages'),
    dict(type='LoadDepthMap'),
    dict(type='KBCrop'),
    dict(type='StereoCrop', size=crop_size),
    dict(type='StereoColorAug'),
    dict(type='StereoFlip'),
    dict(type='PackDepthInputs'),
]
test_pipeline = [
    dict(type='LoadDepthImages'),
    dict(type='LoadDepthMap'),
    dict(type='KBCrop'),
    dict(type='PackDepthInputs'),
]

train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='kitti-depth-eigen_infos_train.pkl',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='kitti-depth-eigen_infos_val.pkl',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='DepthMetric', protocol='eigen', crop='garg', cap=80.0)
test_evaluator = val_evaluator
