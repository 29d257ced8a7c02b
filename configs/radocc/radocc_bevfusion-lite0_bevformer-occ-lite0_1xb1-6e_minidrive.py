# A student of another family under the same teacher, rays and losses: radocc_bevfusion-lite0_flashocc-lite0 with
# BEVFormer-Occ.
_base_ = [
    '../bevformer_occ/bevformer-occ_lite0_1xb1-6e_minidrive.py',
    '../_base_/models/bevfusion-occ_lite0.py',
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
    teacher_ckpt='work_dirs/bevfusion-occ_lite0_1xb1-6e_minidrive/epoch_6.pth',
    teacher_config='configs/bevfusion_occ/bevfusion-occ_lite0_1xb1-6e_minidrive.py',
    side_by_side=True,
    **_base_.distillation,
)
model['shared']['rays'].update(num_rays=4096)
model['shared']['rays']['geometry'].update(t_range=(0.0, 48.0), step=0.4, field='voxel')
model['connectors']['rendered'].update(density='log_odds')
model['losses']['loss_rdc'].update(loss_weight=0.3)
model['losses']['loss_rsc'].update(loss_weight=0.3, max_segments=96)
model['losses']['loss_rsc_kl'].update(loss_weight=0.3)

train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.distill_train_pipeline))

custom_hooks = [dict(type='DistillWarmupHook', warmup_iters=100)]
