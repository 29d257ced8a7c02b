# Ablation (h): uncertainty guides the response only.
_base_ = './adudepth_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(losses={f'loss_feat_{s}': dict(guidance='none') for s in _base_.strides})
