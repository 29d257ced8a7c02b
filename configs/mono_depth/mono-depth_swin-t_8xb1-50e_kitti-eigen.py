# Monocular depth with Swin-T, KITTI Eigen split, for small GPUs.
_base_ = [
    '../_base_/models/mono-depth_swin-t.py',
    '../_base_/datasets/kitti-eigen-depth.py',
    '../_base_/schedules/adamw-poly-50e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
