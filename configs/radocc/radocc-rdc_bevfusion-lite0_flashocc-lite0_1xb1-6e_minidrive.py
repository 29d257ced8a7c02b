# Ablation: ray termination distributions alone.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
_distillation = _base_.distillation
model = dict(
    losses=dict(_delete_=True, loss_rdc=_distillation.losses.loss_rdc),
    loss_inputs=dict(_delete_=True, loss_rdc=_distillation.loss_inputs.loss_rdc),
)
