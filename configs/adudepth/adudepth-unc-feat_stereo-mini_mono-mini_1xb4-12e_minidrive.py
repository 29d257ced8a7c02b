# Ablation (i): uncertainty guides the features only.
_base_ = './adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
model = dict(losses=dict(loss_resp=dict(guidance='none')))
