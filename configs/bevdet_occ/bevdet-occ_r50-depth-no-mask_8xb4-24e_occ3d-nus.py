# BEVDet-Occ with a depth loss, trained on all voxels.
_base_ = './bevdet-occ_r50-depth_8xb4-24e_occ3d-nus.py'
model = dict(occ_head=dict(mask=None))
