# FitNets with absolute differences.
_base_ = './feat-l2_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(losses=dict(loss_feat=dict(norm='l1')))
