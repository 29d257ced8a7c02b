# Ablation (d): attention-adapted features alone.
_base_ = './adudepth-no-unc_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
_losses, _inputs = _base_.model.losses, _base_.model.loss_inputs
_names = [f'loss_feat_{s}' for s in _base_.strides]
model = dict(
    losses=dict(_delete_=True, **{name: _losses[name] for name in _names}),
    loss_inputs=dict(_delete_=True, **{name: _inputs[name] for name in _names}),
)
