# Ablation (i): uncertainty guides the features only.
_base_ = './adudepth_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(losses=dict(loss_resp=dict(guidance='none')))
