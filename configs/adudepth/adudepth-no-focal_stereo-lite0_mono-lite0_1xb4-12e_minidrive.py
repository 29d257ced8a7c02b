# All of ADU-Depth but the focal weight.
_base_ = './adudepth_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(losses=dict(loss_resp=dict(gamma=0.0)))
