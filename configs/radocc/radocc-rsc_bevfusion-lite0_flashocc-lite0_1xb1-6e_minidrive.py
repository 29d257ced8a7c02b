# Ablation: rendered semantics alone (segment affinity and per-ray KL).
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
_distillation = _base_.distillation
model = dict(
    losses=dict(
        _delete_=True,
        loss_rsc=_distillation.losses.loss_rsc,
        loss_rsc_kl=_distillation.losses.loss_rsc_kl,
    ),
    loss_inputs=dict(
        _delete_=True,
        loss_rsc=_distillation.loss_inputs.loss_rsc,
        loss_rsc_kl=_distillation.loss_inputs.loss_rsc_kl,
    ),
)
