# ADU-Depth where few frames have LiDAR: the response teaches the others, so it weighs 30 times as much.
_base_ = './adudepth_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(losses=dict(loss_resp=dict(loss_weight=3.0)))
