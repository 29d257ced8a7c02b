# BEVDet-Occ with Swin-B, the larger head and its Lovasz loss: RadOcc's student in its large setting.
_base_ = './bevdet-occ_swin-b-4d-stereo_8xb1-24e_occ3d-nus.py'
model = dict(occ_head=dict(type='SSCOccHead', loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0)))
