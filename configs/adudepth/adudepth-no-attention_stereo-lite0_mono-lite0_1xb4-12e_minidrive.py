# All of ADU-Depth but the attention adapter.
_base_ = './adudepth_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(connectors={f'adapted_{s}': dict(attention='none') for s in _base_.strides})
