# Stereo teacher with Swin-T, KITTI Eigen split, for small GPUs.
_base_ = [
    '../_base_/models/stereo-depth_swin-t.py',
    '../_base_/datasets/kitti-eigen-depth.py',
    '../_base_/schedules/adamw-poly-50e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
train_dataloader = dict(dataset=dict(stereo=True, pipeline=_base_.stereo_train_pipeline))
val_dataloader = dict(dataset=dict(stereo=True, pipeline=_base_.stereo_test_pipeline))
test_dataloader = dict(dataset=dict(stereo=True, pipeline=_base_.stereo_test_pipeline))
