# A rival without rendering: EFFOcc's recipe. The student begins with the teacher's head.
_base_ = [
    './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py',
    '../_base_/models/effocc.py',
]
model = dict(
    inherit=['occ_head'],
    shared=None,
    connectors=dict(_delete_=True, **_base_.effocc.connectors),
    connector_inputs=dict(_delete_=True, **_base_.effocc.connector_inputs),
    losses=dict(_delete_=True, **_base_.effocc.losses),
    loss_inputs=dict(_delete_=True, **_base_.effocc.loss_inputs),
)
