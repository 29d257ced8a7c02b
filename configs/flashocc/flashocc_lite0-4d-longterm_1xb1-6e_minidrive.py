# Four former keyframes, two seconds.
_base_ = './flashocc_lite0-4d_1xb1-6e_minidrive.py'
model = dict(num_history=4, grid_backbone=dict(in_channels=640))
train_dataloader = dict(dataset=dict(history=4))
val_dataloader = dict(dataset=dict(history=4))
test_dataloader = val_dataloader
