# Stereo teacher at the sizes and the schedule of NeWCRFs (Swin-L, window-attention decoder), KITTI Eigen split.
_base_ = [
    '../_base_/models/stereo-depth_swin-l.py',
    '../_base_/datasets/kitti-eigen-stereo.py',
    '../_base_/schedules/adamw-poly-50e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
