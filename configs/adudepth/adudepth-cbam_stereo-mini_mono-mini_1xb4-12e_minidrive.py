# CBAM in place of the non-local adapter.
_base_ = './adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
model = dict(
    connectors=dict(
        adapted_8=dict(attention='cbam'),
        adapted_16=dict(attention='cbam'),
        adapted_32=dict(attention='cbam'),
    )
)
