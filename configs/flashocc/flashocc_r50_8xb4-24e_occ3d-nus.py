# FlashOcc M0 at the published settings. The published run starts from BEVDet's detector: set load_from to its weights.
_base_ = [
    '../_base_/models/flashocc_r50.py',
    '../_base_/datasets/occ3d-nus.py',
    '../_base_/schedules/adamw-24e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.point_cloud_range = _base_.point_cloud_range

# No depth loss, so training reads no LiDAR.
train_dataloader = dict(dataset=dict(modality=_base_.camera_modality, pipeline=_base_.camera_train_pipeline))

custom_hooks = [dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL')]
