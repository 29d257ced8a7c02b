# Schedule of NeWCRFs: 8 samples per step, 50 epochs, polynomial decay (0.9) to a tenth. Its code builds Adam without
# the weight decay it names; here AdamW applies it. With fewer GPUs set optim_wrapper.accumulative_counts so that
# GPUs x batch x counts = 8.
optim_wrapper = dict(
    type='OptimWrapper',
    accumulative_counts=1,
    optimizer=dict(type='AdamW', lr=2e-5, betas=(0.9, 0.999), weight_decay=1e-2),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        custom_keys=dict(
            relative_position_bias_table=dict(decay_mult=0.0),
            position_bias=dict(decay_mult=0.0),
        ),
    ),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=2e-6, begin=0, end=50, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(enable=False, base_batch_size=8)
sync_bn = 'torch'

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
