# Ablation (h): uncertainty guides the response only.
_base_ = './adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
model = dict(
    losses=dict(
        loss_feat_8=dict(guidance='none'),
        loss_feat_16=dict(guidance='none'),
        loss_feat_32=dict(guidance='none'),
    )
)
