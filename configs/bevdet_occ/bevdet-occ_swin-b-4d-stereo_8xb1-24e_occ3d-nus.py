# BEVDet-Occ with Swin-B on images of 512x1408: the student of RadOcc's large setting. 32 samples a step, as published.
_base_ = ['./bevdet-occ_r50-4d-stereo_8xb4-24e_occ3d-nus.py', '../_base_/models/stereo_swin-b.py']
input_size = (512, 1408)
model = dict(
    img_backbone=dict(_delete_=True, **_base_.swin_b.img_backbone),
    img_neck=dict(_delete_=True, **_base_.swin_b.img_neck),
    view_transform=dict(in_channels=512, depth_net=_base_.swin_b.depth_net),
)
_base_.history.transforms[1].final_dim = input_size
_base_.test_history.transforms[1].final_dim = input_size
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=[_base_.history, *_base_.train_pipeline[1:]]))
val_dataloader = dict(dataset=dict(pipeline=[_base_.test_history, *_base_.test_pipeline[2:]]))
test_dataloader = val_dataloader
optim_wrapper = dict(accumulative_counts=4, optimizer=dict(lr=2e-4))
# The average takes weights once a step, not once an iteration.
custom_hooks = [dict(type='EMAHook', momentum=1e-3, update_buffers=True, interval=4, priority='ABOVE_NORMAL')]
