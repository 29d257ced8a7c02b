# ADU-Depth-style: stereo teacher and monocular student with Swin-T and window attention, KITTI Eigen split.
_base_ = [
    '../mono_depth/mono-depth_swin-t_8xb1-50e_kitti-eigen.py',
    '../_base_/models/stereo-depth_swin-t.py',
    '../_base_/models/adudepth.py',
]
model = dict(
    _delete_=True,
    type='Distiller',
    student=_base_.student,
    teacher=_base_.teacher,
    teacher_ckpt='work_dirs/stereo-depth_swin-t_8xb1-50e_kitti-eigen/epoch_50.pth',
    teacher_config='configs/stereo_depth/stereo-depth_swin-t_8xb1-50e_kitti-eigen.py',
    **_base_.distillation,
)
# Channels of the window-attention decoder.
model['connectors']['adapted_8'].update(channels=128)
model['connectors']['adapted_16'].update(channels=256)
model['connectors']['adapted_32'].update(channels=512)
train_dataloader = dict(dataset=dict(stereo=True))

custom_hooks = [dict(type='DistillWarmupHook', warmup_iters=1000)]
