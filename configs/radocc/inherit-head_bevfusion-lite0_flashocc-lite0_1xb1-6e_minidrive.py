# A control of EFFOcc's recipe: the student begins with the teacher's head, and no loss compares the two.
_base_ = './effocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    connectors=dict(_delete_=True),
    connector_inputs=dict(_delete_=True),
    losses=dict(_delete_=True),
    loss_inputs=dict(_delete_=True),
)
