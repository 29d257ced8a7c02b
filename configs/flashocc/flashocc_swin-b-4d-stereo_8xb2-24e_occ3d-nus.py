# FlashOcc M3: M2 with Swin-B on images of 512x1408, and the depth network of its code. The published run has 16 samples
# a step too, and starts from BEVDet's detector (bevdet-stbase-4d-stereo-512x1408-cbgs.pth).
_base_ = ['./flashocc_r50-4d-stereo_8xb4-24e_occ3d-nus.py', '../_base_/models/stereo_swin-b.py']
input_size = (512, 1408)
model = dict(
    img_backbone=dict(_delete_=True, **_base_.swin_b.img_backbone),
    img_neck=dict(_delete_=True, **_base_.swin_b.img_neck),
    view_transform=dict(in_channels=512, depth_net=_base_.swin_b.depth_net),
)
_base_.history.transforms[1].final_dim = input_size
_base_.test_history.transforms[1].final_dim = input_size
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=[_base_.history, *_base_.train_pipeline[1:]]))
val_dataloader = dict(dataset=dict(pipeline=[_base_.test_history, *_base_.test_pipeline[2:]]))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(lr=2e-4))
auto_scale_lr = dict(base_batch_size=16)
