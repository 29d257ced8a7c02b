# RadOcc's large setting: the student with the larger head and its Lovasz loss.
_base_ = './radocc_bevfusion-r50-512x1408_bevdet-occ-swin-b-4d-stereo_8xb1-24e_occ3d-nus.py'
model = dict(student=dict(occ_head=dict(type='SSCOccHead', loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0))))
