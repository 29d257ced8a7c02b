# RadOcc at full size: radocc under the teacher of bevfusion-occ_r50. A config hands the box and the grid of its data
# set to the teacher and the rays.
_base_ = ['./bevfusion-occ_r50.py', './radocc.py']
distillation = dict(
    type='Distiller',
    teacher=_base_.teacher,
    teacher_ckpt='work_dirs/bevfusion-occ_r50_8xb4-24e_occ3d-nus/epoch_24.pth',
    teacher_config='configs/bevfusion_occ/bevfusion-occ_r50_8xb4-24e_occ3d-nus.py',
)
distillation_hooks = [
    dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL'),
    dict(type='DistillWarmupHook', warmup_iters=500),
]
