# MiniDrive in Occ3D-nuScenes format: six cameras, 450x800 -> 128x224, light augmentation.
# Pipelines by input: `train_pipeline` and `test_pipeline` for cameras (LiDAR supervises depth in training and is not
# read in testing), `camera_train_pipeline` for those whose depth nothing supervises, `fusion_*` for cameras with LiDAR,
# `lidar_*` for LiDAR alone, `distill_train_pipeline` for a fusion teacher with a camera student. A config sets
# `train_dataloader.dataset` to dict(pipeline=..., modality=...).
_base_ = './occ-loaders.py'
data_root = 'data/minidrive'
input_size = (128, 224)
render_size = (90, 160)
sweeps_num = 4

train_pipeline = [
    dict(type='LoadMultiViewImages', reduced_decode=2),
    dict(type='MultiViewImageAug', final_dim=input_size, resize_lim=(0.0, 0.04), rot_lim=(0.0, 0.0), flip=False),
    dict(type='MultiViewColorJitter'),
    dict(type='LoadOccupancyLabels'),
    dict(type='LoadLidarPoints'),
    dict(type='PointsToEgo'),
    dict(type='LiDARDepthMap', keep_points=False),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='PackOccInputs'),
]
camera_train_pipeline = [
    *train_pipeline[:4],
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='PackOccInputs'),
]
test_pipeline = [
    dict(type='LoadMultiViewImages', reduced_decode=2),
    dict(type='MultiViewImageAug', final_dim=input_size, test_mode=True),
    dict(type='LoadOccupancyLabels'),
    dict(type='PackOccInputs'),
]

fusion_train_pipeline = [
    *train_pipeline[:4],
    dict(type='LoadLidarPoints'),
    dict(type='LoadLidarSweeps', num_sweeps=sweeps_num),
    dict(type='PointsToEgo'),
    dict(type='LiDARDepthMap'),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='EgoPointsRangeFilter'),
    dict(type='PackOccInputs'),
]
fusion_test_pipeline = [
    *test_pipeline[:3],
    dict(type='LoadLidarPoints'),
    dict(type='LoadLidarSweeps', num_sweeps=sweeps_num, test_mode=True),
    dict(type='PointsToEgo'),
    dict(type='EgoPointsRangeFilter'),
    dict(type='PackOccInputs'),
]

lidar_train_pipeline = [
    dict(type='LoadOccupancyLabels'),
    dict(type='LoadLidarPoints'),
    dict(type='LoadLidarSweeps', num_sweeps=sweeps_num),
    dict(type='PointsToEgo'),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='EgoPointsRangeFilter'),
    dict(type='PackOccInputs'),
]
lidar_test_pipeline = fusion_test_pipeline[2:]

distill_train_pipeline = [
    *fusion_train_pipeline[:-1],
    dict(type='LoadImageSegments', render_size=render_size),
    dict(type='PackOccInputs'),
]

train_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=4, num_workers=1, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
