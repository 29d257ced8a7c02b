# Monocular depth with ResNet-50 and an FPN decoder, KITTI official split.
_base_ = [
    '../_base_/models/mono-depth_r50.py',
    '../_base_/datasets/kitti-official-depth.py',
    '../_base_/schedules/adamw-poly-50e_depth-r50.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
