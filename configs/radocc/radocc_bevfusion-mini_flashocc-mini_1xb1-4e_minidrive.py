_base_ = [
    '../flashocc/flashocc_mini-stage2_1xb1-4e_minidrive.py',
    '../_base_/models/bevfusion-occ_mini.py',
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
    student_ckpt='work_dirs/flashocc_mini_1xb1-7e_minidrive/epoch_7.pth',
    teacher_ckpt='work_dirs/bevfusion-occ_mini_1xb1-7e_minidrive/epoch_7.pth',
    teacher_config='configs/bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive.py',
    side_by_side=True,  # on the CPU: both take about as long
    **_base_.distillation,
)
load_from = None  # the Distiller loads student_ckpt itself
# Coarser rays than at full size: bins of one voxel. Voxels of constant density train as well as interpolated ones
# (docs/experiments/radocc_on_minidrive.md) and take less time.
model['shared']['rays'].update(num_rays=4096)
model['shared']['rays']['geometry'].update(t_range=(0.0, 48.0), step=0.4, field='voxel')
# The teacher is trained by cross-entropy alone, which leaves a constant per voxel open in its logits: its free logit is
# positive in most occupied voxels, and only the log-odds say where matter is.
model['connectors']['rendered'].update(density='log_odds')
# In a few hundred steps, distillation at full weight slows the losses of the task down.
model['losses']['loss_rdc'].update(loss_weight=0.05)
# 4,096 rays over six cameras are 682 a camera: at most 85 segments have the 8 rays that count.
model['losses']['loss_rsc'].update(loss_weight=0.1, max_segments=96)
model['losses']['loss_rsc_kl'].update(loss_weight=0.05)

train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.distill_train_pipeline))

custom_hooks = [dict(type='DistillWarmupHook', warmup_iters=100)]
