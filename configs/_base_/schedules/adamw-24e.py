# Schedule of BEVDet-Occ and FlashOcc: AdamW, constant rate after 200 iterations of warm-up, 24 epochs of 8 x 4 samples.
# With fewer GPUs set optim_wrapper.accumulative_counts so that GPUs x batch x counts = 32, or use --auto-scale-lr.
optim_wrapper = dict(
    type='OptimWrapper',
    accumulative_counts=1,
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-2),
    clip_grad=dict(max_norm=5, norm_type=2),
)
param_scheduler = [dict(type='LinearLR', start_factor=1e-3, begin=0, end=200, by_epoch=False)]
auto_scale_lr = dict(enable=False, base_batch_size=32)
sync_bn = 'torch'

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=24, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
