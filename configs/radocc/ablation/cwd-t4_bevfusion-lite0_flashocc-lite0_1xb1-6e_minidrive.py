# CWD with a temperature of 4.
_base_ = './cwd_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(losses=dict(loss_feat=dict(tau=4.0)))
