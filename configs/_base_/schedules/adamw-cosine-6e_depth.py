# adamw-cosine-12e_depth in half the epochs: for teachers.
_base_ = './adamw-cosine-12e_depth.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=40, by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min=1e-5, begin=0, end=6, T_max=6, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=6)
