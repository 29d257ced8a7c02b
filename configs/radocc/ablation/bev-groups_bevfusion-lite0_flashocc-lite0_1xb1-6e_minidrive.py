# The features of EFFOcc alone: BEV cells with foreground, background and nothing, each divided by its own area.
_base_ = '../effocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    inherit=None,
    losses=dict(_delete_=True, loss_bev=_base_.model.losses.loss_bev),
    loss_inputs=dict(_delete_=True, loss_bev=_base_.model.loss_inputs.loss_bev),
)
