# Schedule for MiniDrive depth on the CPU: that of occupancy over 12 epochs of batches of four. Not from a paper.
_base_ = './adamw-cosine-6e.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=40, by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min=1e-5, begin=0, end=12, T_max=12, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=4)
train_cfg = dict(max_epochs=12)
