# What data sets of image pairs with depth maps share: the loaders, and Eigen's metrics up to 80 m.
class_names = []  # read by mmdet3d.apis.init_model when a checkpoint does not say what its data were

train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='KITTIDepthDataset'),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='KITTIDepthDataset', test_mode=True),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='DepthMetric', protocol='eigen', crop='garg', cap=80.0)
test_evaluator = val_evaluator
