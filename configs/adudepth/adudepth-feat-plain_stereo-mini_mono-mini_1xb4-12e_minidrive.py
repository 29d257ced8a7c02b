# Ablation (c): plain feature matching, without the attention adapter.
_base_ = './adudepth-feat_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
model = dict(
    connectors=dict(
        adapted_8=dict(attention='none'),
        adapted_16=dict(attention='none'),
        adapted_32=dict(attention='none'),
    )
)
