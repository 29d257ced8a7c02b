# Stereo teacher with ResNet-50 and an FPN decoder, KITTI Eigen split.
_base_ = [
    '../_base_/models/stereo-depth_r50.py',
    '../_base_/datasets/kitti-eigen-stereo.py',
    '../_base_/schedules/adamw-poly-50e_depth-r50.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
