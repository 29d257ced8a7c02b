# stereo-depth_mini with ImageNet weights.
_base_ = [
    '../_base_/models/stereo-depth_lite0.py',
    '../_base_/datasets/minidrive-stereo.py',
    '../_base_/schedules/adamw-cosine-12e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=40, by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min=1e-5, begin=0, end=6, T_max=6, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=6, val_interval=6)
