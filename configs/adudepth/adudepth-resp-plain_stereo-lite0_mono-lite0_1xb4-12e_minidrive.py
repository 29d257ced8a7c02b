# Ablation (e): plain log-L1 response, without the focal weight.
_base_ = './adudepth-resp_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(losses=dict(loss_resp=dict(gamma=0.0)))
