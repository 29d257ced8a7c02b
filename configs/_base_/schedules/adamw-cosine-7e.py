# adamw-cosine-6e over 7 epochs.
_base_ = './adamw-cosine-6e.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min=1e-5, begin=0, end=7, T_max=7, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=7, val_interval=4)
