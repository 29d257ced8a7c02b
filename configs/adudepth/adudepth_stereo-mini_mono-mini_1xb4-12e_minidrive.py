# ADU-Depth with the smallest student and teacher.
_base_ = [
    '../mono_depth/mono-depth_mini_1xb4-12e_minidrive.py',
    '../_base_/models/stereo-depth_mini.py',
    '../_base_/models/adudepth_mini.py',
]
model = dict(
    _delete_=True,
    type='Distiller',
    student=_base_.student,
    teacher=_base_.teacher,
    teacher_ckpt='work_dirs/stereo-depth_mini_1xb4-6e_minidrive/epoch_6.pth',
    teacher_config='configs/stereo_depth/stereo-depth_mini_1xb4-6e_minidrive.py',
    **_base_.distillation,
)
custom_hooks = [dict(type='DistillWarmupHook', warmup_iters=100)]
