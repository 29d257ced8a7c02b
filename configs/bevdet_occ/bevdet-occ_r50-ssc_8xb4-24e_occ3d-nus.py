# BEVDet-Occ with the larger head of RadOcc's student, and its Lovasz loss.
_base_ = './bevdet-occ_r50_8xb4-24e_occ3d-nus.py'
model = dict(occ_head=dict(type='SSCOccHead', loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0)))
