# KITTI, Eigen split: KB crop, crops of 352x1120 in training, 1 sample per GPU. Augmentation of NeWCRFs
# without rotation.
_base_ = './depth-loaders.py'
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
test_pipeline = [*train_pipeline[:3], dict(type='PackDepthInputs')]

train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='kitti-depth-eigen_infos_train.pkl', pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='kitti-depth-eigen_infos_val.pkl', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
