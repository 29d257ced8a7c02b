# voxel-kl of standardised logits (Sun et al., CVPR 2024), with a temperature of their size.
_base_ = '../voxel-kl_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(losses=dict(loss_voxel_kl=dict(standardised=True, tau=2.0)))
