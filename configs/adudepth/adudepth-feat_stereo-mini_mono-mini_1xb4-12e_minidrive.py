# Ablation (d): attention-adapted features alone.
_base_ = './adudepth-no-unc_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
_losses, _inputs = _base_.model.losses, _base_.model.loss_inputs
model = dict(
    losses=dict(
        _delete_=True,
        loss_feat_8=_losses.loss_feat_8,
        loss_feat_16=_losses.loss_feat_16,
        loss_feat_32=_losses.loss_feat_32,
    ),
    loss_inputs=dict(
        _delete_=True,
        loss_feat_8=_inputs.loss_feat_8,
        loss_feat_16=_inputs.loss_feat_16,
        loss_feat_32=_inputs.loss_feat_32,
    ),
)
