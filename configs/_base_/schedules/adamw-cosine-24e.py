# Schedule of BEVFormer: AdamW, a tenth of the rate for the image backbone, linear warm-up, cosine to a thousandth, 24
# epochs of 8 x 1 samples. With fewer GPUs set optim_wrapper.accumulative_counts so that GPUs x batch x counts = 8, or
# use --auto-scale-lr.
optim_wrapper = dict(
    type='OptimWrapper',
    accumulative_counts=1,
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=1e-2),
    paramwise_cfg=dict(custom_keys=dict(img_backbone=dict(lr_mult=0.1))),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, begin=0, end=500, by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min_ratio=1e-3, begin=0, end=24, T_max=24, by_epoch=True),
]
auto_scale_lr = dict(enable=False, base_batch_size=8)
sync_bn = 'torch'

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=24, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
