# Second stage on MiniDrive: go on from trained weights, at half the rate of adamw-cosine-7e. Not from a paper.
_base_ = './adamw-cosine-6e.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min=1e-5, begin=0, end=4, T_max=4, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=4, val_interval=4)
