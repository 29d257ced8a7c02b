# adamw-poly-50e_depth, whose rate is for Swin-L, at the rate of a ResNet.
_base_ = './adamw-poly-50e_depth.py'
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=1e-5, begin=0, end=50, by_epoch=True, convert_to_iter_based=True),
]
