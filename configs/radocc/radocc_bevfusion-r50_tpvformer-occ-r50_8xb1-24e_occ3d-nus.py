# A student of another family under the teacher and the losses of the other full-size configs. Not measured.
_base_ = [
    '../tpvformer_occ/tpvformer-occ_r50_8xb1-24e_occ3d-nus.py',
    '../_base_/models/radocc_bevfusion-r50.py',
]
_base_.distillation.teacher.view_transform.point_cloud_range = _base_.point_cloud_range
_base_.distillation.teacher.pts_encoder.point_cloud_range = _base_.point_cloud_range
_base_.distillation.shared.rays.geometry.update(point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size)
model = dict(_delete_=True, student=_base_.student, **_base_.distillation)
train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.distill_train_pipeline))

custom_hooks = [dict(type='DistillWarmupHook', warmup_iters=500)]
