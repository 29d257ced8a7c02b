# RadOcc and EFFOcc's recipe together: where rays end from the one, classes from the other. Weights as in each alone.
_base_ = [
    './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py',
    '../_base_/models/effocc.py',
]
model = dict(inherit=['occ_head'], **_base_.effocc)
