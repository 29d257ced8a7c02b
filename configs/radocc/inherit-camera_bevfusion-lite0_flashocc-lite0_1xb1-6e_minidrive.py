# A stronger control: all that the teacher has in the student's shape, its camera branch and its head, and no loss.
_base_ = './inherit-head_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(inherit=['img_backbone', 'img_neck', 'view_transform', 'occ_head'])
