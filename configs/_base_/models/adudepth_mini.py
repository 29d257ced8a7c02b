# adudepth for decoders of 64 channels.
_base_ = './adudepth.py'
distillation = dict(connectors={f'adapted_{s}': dict(channels=64) for s in _base_.strides})
