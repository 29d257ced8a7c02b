# FlashOcc M1, whose BEV features and head have the size of the teacher's: what EFFOcc's recipe needs.
_base_ = [
    '../flashocc/flashocc_r50-m1_8xb4-24e_occ3d-nus.py',
    '../_base_/models/radocc_bevfusion-r50.py',
]
_base_.distillation.teacher.view_transform.point_cloud_range = _base_.point_cloud_range
_base_.distillation.teacher.pts_encoder.point_cloud_range = _base_.point_cloud_range
_base_.distillation.shared.rays.geometry.update(point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size)
model = dict(_delete_=True, student=_base_.model, **_base_.distillation)
train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.distill_train_pipeline))
custom_hooks = _base_.distillation_hooks
