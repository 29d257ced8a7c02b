# Stereo teacher with ResNet-50 and an FPN decoder, KITTI Eigen split.
# The rate of the schedule is for Swin-L; a ResNet takes 1e-4.
_base_ = [
    '../_base_/models/stereo-depth_r50.py',
    '../_base_/datasets/kitti-eigen-stereo.py',
    '../_base_/schedules/adamw-poly-50e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=1e-5, begin=0, end=50, by_epoch=True, convert_to_iter_based=True),
]
