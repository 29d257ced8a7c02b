# radocc-depth with the scale-invariant logarithmic error.
_base_ = '../radocc-depth_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(losses=dict(loss_depth_kd=dict(mode='silog', loss_weight=1.0)))
