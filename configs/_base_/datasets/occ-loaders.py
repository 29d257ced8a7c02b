# What data sets in Occ3D-nuScenes format share: the sensors that are read, the loaders and the metric.
_base_ = '../grids/occ3d-nus.py'

camera_modality = dict(use_camera=True, use_lidar=False)
fusion_modality = dict(use_camera=True, use_lidar=True)
lidar_modality = dict(use_camera=False, use_lidar=True)

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='Occ3DNuScenesDataset', ann_file='occ3d-nus_infos_train.pkl', modality=fusion_modality),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='Occ3DNuScenesDataset', ann_file='occ3d-nus_infos_val.pkl', modality=camera_modality, test_mode=True
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='OccMetric', mask='camera')
test_evaluator = val_evaluator
