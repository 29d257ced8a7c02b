# adudepth for the channels of the window-attention decoder of Swin-L.
_base_ = './adudepth.py'
distillation = dict(
    connectors=dict(adapted_8=dict(channels=256), adapted_16=dict(channels=512), adapted_32=dict(channels=1024))
)
