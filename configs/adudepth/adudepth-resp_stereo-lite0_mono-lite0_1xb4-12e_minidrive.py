# Ablation (f): focal response alone.
_base_ = './adudepth-no-unc_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(
    connectors=dict(_delete_=True),
    connector_inputs=dict(_delete_=True),
    losses=dict(_delete_=True, loss_resp=_base_.model.losses.loss_resp),
    loss_inputs=dict(_delete_=True, loss_resp=_base_.model.loss_inputs.loss_resp),
)
