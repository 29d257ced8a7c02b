# FlashOcc M0 with a depth loss, trained on all voxels.
_base_ = './flashocc_r50-depth_8xb4-24e_occ3d-nus.py'
model = dict(occ_head=dict(mask=None))
