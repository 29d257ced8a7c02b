# RadOcc at three times its weight, 1 in place of 0.3, on frames without labels, where it slows no other loss down.
_base_ = '../radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(unlabelled_weights=dict(loss_rdc=3.0, loss_rsc=3.0, loss_rsc_kl=3.0))
