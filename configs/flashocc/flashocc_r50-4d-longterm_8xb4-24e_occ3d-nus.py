# Eight former keyframes, four seconds.
_base_ = './flashocc_r50-4d_8xb4-24e_occ3d-nus.py'
model = dict(num_history=8, grid_backbone=dict(in_channels=720))
train_dataloader = dict(dataset=dict(history=8))
val_dataloader = dict(dataset=dict(history=8))
test_dataloader = val_dataloader
