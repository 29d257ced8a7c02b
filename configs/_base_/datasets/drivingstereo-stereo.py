# drivingstereo-depth, read in pairs: for models of two images.
_base_ = './drivingstereo-depth.py'
train_dataloader = dict(dataset=dict(stereo=True))
val_dataloader = dict(dataset=dict(stereo=True))
test_dataloader = dict(dataset=dict(stereo=True))
