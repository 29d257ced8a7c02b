# The camera student trained for four more epochs: what a distilled student is compared with.
_base_ = [
    '../_base_/models/flashocc_mini.py',
    '../_base_/datasets/minidrive-occ.py',
    '../_base_/schedules/adamw-cosine-4e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.point_cloud_range = _base_.point_cloud_range
load_from = 'work_dirs/flashocc_mini_1xb1-7e_minidrive/epoch_7.pth'
train_dataloader = dict(batch_size=1)
val_dataloader = dict(batch_size=2)
test_dataloader = dict(batch_size=2)
