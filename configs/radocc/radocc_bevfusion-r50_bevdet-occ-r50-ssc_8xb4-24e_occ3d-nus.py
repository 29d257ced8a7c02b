# RadOcc on the student with the larger head and its Lovasz loss.
_base_ = './radocc_bevfusion-r50_bevdet-occ-r50_8xb4-24e_occ3d-nus.py'
model = dict(student=dict(occ_head=dict(type='SSCOccHead', loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0))))
