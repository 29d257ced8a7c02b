# FlashOcc M0 trained on all voxels, not on those alone that a camera sees.
_base_ = './flashocc_r50_8xb4-24e_occ3d-nus.py'
model = dict(occ_head=dict(mask=None))
