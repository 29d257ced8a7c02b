# Ablation (k): uncertain places count more instead of less.
_base_ = './adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
model = dict(
    losses=dict(
        loss_feat_8=dict(guidance='emphasize'),
        loss_feat_16=dict(guidance='emphasize'),
        loss_feat_32=dict(guidance='emphasize'),
        loss_resp=dict(guidance='emphasize'),
    )
)
