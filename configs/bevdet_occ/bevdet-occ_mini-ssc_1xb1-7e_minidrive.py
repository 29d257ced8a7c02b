# bevdet-occ_mini with a small version of the larger head of RadOcc's student.
_base_ = './bevdet-occ_mini_1xb1-7e_minidrive.py'
model = dict(occ_head=dict(type='SSCOccHead', block_channels=16))
