# A rival without rendering: EFFOcc's recipe. The student begins with the teacher's head. Needs no image segments.
_base_ = [
    './radocc_bevfusion-r50_flashocc-r50-m1_8xb4-24e_occ3d-nus.py',
    '../_base_/models/effocc.py',
]
_base_.effocc.connectors.columns.stride = 1  # BEV cells are as wide as voxels
model = dict(
    inherit=['occ_head'],
    shared=None,
    connectors=dict(_delete_=True, **_base_.effocc.connectors),
    connector_inputs=dict(_delete_=True, **_base_.effocc.connector_inputs),
    losses=dict(_delete_=True, **_base_.effocc.losses),
    loss_inputs=dict(_delete_=True, **_base_.effocc.loss_inputs),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.fusion_train_pipeline))
