# CWD (Shu et al.): for each channel of the BEV feature, a KL divergence over its cells.
_base_ = './feat-l2_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(losses=dict(loss_feat=dict(_delete_=True, type='CWDLoss', tau=1.0, loss_weight=1.0)))
