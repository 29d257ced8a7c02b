# Stereo teacher with ResNet-50 and an FPN decoder, KITTI official split.
_base_ = [
    '../_base_/models/stereo-depth_r50.py',
    '../_base_/datasets/kitti-official-stereo.py',
    '../_base_/schedules/adamw-poly-50e_depth-r50.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
