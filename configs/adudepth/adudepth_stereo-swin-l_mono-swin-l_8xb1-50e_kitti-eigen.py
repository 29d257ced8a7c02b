# ADU-Depth-style: stereo teacher and monocular student with Swin-L and window attention, KITTI Eigen split.
_base_ = [
    '../mono_depth/mono-depth_swin-l_8xb1-50e_kitti-eigen.py',
    '../_base_/models/adudepth_stereo-swin-l.py',
]
model = dict(
    _delete_=True,
    student=_base_.student,
    teacher_ckpt='work_dirs/stereo-depth_swin-l_8xb1-50e_kitti-eigen/epoch_50.pth',
    teacher_config='configs/stereo_depth/stereo-depth_swin-l_8xb1-50e_kitti-eigen.py',
    **_base_.distillation,
)
train_dataloader = dict(dataset=dict(stereo=True))
custom_hooks = _base_.distillation_hooks
