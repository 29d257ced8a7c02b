# Ablation (k): uncertain places count more instead of less.
_base_ = './adudepth_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(losses={name: dict(guidance='emphasize') for name in _base_.distillation.losses})
