# CBAM in place of the non-local adapter.
_base_ = './adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
model = dict(connectors={f'adapted_{s}': dict(attention='cbam') for s in _base_.strides})
