# Stereo teacher with Swin-T, KITTI Eigen split, for small GPUs.
_base_ = [
    '../_base_/models/stereo-depth_swin-t.py',
    '../_base_/datasets/kitti-eigen-stereo.py',
    '../_base_/schedules/adamw-poly-50e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
