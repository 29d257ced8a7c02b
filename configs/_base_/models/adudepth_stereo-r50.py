# ADU-Depth at full size: adudepth under the teacher of stereo-depth_r50. A config names the weights of the teacher.
_base_ = ['./stereo-depth_r50.py', './adudepth.py']
distillation = dict(type='Distiller', teacher=_base_.teacher)
distillation_hooks = [dict(type='DistillWarmupHook', warmup_iters=1000)]
