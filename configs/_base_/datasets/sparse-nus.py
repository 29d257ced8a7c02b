# nuScenes with nuScenes-lidarseg as a sparse occupancy task: the key scan votes for the classes of its voxels, twice
# 51.2 m, and lidarseg measures. Of the pipelines only those of cameras are of this task.
_base_ = './occ3d-nus.py'
import projects.occ_eval.classes as _classes

point_cloud_range = list(_classes.SPARSE.point_cloud_range)
grid_size = list(_classes.SPARSE.grid_size)

train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type='LoadLidarPoints'),
    dict(type='LoadPointClasses'),
    dict(type='PointsToEgo'),
    dict(type='VoxelizePointClasses'),
    dict(type='LiDARDepthMap', keep_points=False),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='PackOccInputs'),
]
test_pipeline = [*_base_.test_pipeline[:2], dict(type='PackOccInputs')]
# What follows the images where the model or its teacher reads LiDAR. Sweeps come before the vote, to which they add
# nothing; of data with fewer, all are taken.
fusion_points = [
    dict(type='LoadLidarPoints'),
    dict(type='LoadPointClasses'),
    dict(type='LoadLidarSweeps', num_sweeps=_base_.sweeps_num),
    dict(type='PointsToEgo'),
    dict(type='VoxelizePointClasses'),
    dict(type='LiDARDepthMap'),
    dict(type='BEVAugment', flip_x_prob=0.5, flip_y_prob=0.5),
    dict(type='EgoPointsRangeFilter'),
]
fusion_test_points = [
    dict(type='LoadLidarPoints'),
    dict(type='LoadLidarSweeps', num_sweeps=_base_.sweeps_num, test_mode=True),
    dict(type='PointsToEgo'),
    dict(type='EgoPointsRangeFilter'),
]
train_dataloader = dict(dataset=dict(type='SparseOccNuScenesDataset', pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(type='SparseOccNuScenesDataset', pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(
    _delete_=True, type='LidarSegMetric', ann_file='data/nuscenes/occ3d-nus_infos_val.pkl', data_root='data/nuscenes'
)
test_evaluator = val_evaluator
