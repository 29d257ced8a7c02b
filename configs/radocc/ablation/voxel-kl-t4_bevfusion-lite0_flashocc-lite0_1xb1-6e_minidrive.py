# voxel-kl with a temperature.
_base_ = '../voxel-kl_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(losses=dict(loss_voxel_kl=dict(tau=4.0)))
