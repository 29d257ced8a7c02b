# ADU-Depth at full size: adudepth under the teacher of stereo-depth_swin-l, with the channels of its decoder. A config
# names the weights of the teacher.
_base_ = ['./stereo-depth_swin-l.py', './adudepth.py']
distillation = dict(
    type='Distiller',
    teacher=_base_.teacher,
    connectors=dict(adapted_8=dict(channels=256), adapted_16=dict(channels=512), adapted_32=dict(channels=1024)),
)
distillation_hooks = [dict(type='DistillWarmupHook', warmup_iters=1000)]
