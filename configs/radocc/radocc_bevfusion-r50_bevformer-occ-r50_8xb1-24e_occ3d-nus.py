# A student of another family under the teacher and the losses of the other full-size configs. Not measured.
_base_ = [
    '../bevformer_occ/bevformer-occ_r50_8xb1-24e_occ3d-nus.py',
    '../_base_/models/bevfusion-occ_r50.py',
    '../_base_/models/radocc.py',
]
_base_.teacher.view_transform.point_cloud_range = _base_.point_cloud_range
_base_.teacher.pts_encoder.point_cloud_range = _base_.point_cloud_range
_base_.distillation.shared.rays.geometry.update(point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size)
model = dict(
    _delete_=True,
    type='Distiller',
    student=_base_.student,
    teacher=_base_.teacher,
    teacher_ckpt='work_dirs/bevfusion-occ_r50_8xb4-24e_occ3d-nus/epoch_24.pth',
    teacher_config='configs/bevfusion_occ/bevfusion-occ_r50_8xb4-24e_occ3d-nus.py',
    **_base_.distillation,
)
train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.distill_train_pipeline))

custom_hooks = [dict(type='DistillWarmupHook', warmup_iters=500)]
