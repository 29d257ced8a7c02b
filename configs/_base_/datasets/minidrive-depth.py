# MiniDrive in KITTI format: pairs of 192x640, crops of 160x448 in training, whole images in testing.
# The data set reads the left image; where a config says dataset=dict(stereo=True), both.
_base_ = './depth-loaders.py'
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
test_pipeline = [*train_pipeline[:2], dict(type='PackDepthInputs')]

train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(data_root=data_root, ann_file='kitti-depth_infos_train.pkl', pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=1, dataset=dict(data_root=data_root, ann_file='kitti-depth_infos_val.pkl', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
