# FlashOcc M0 with a depth loss: training reads LiDAR.
_base_ = './flashocc_r50_8xb4-24e_occ3d-nus.py'
model = dict(view_transform=dict(loss_depth=dict(type='LiDARDepthLoss', loss_weight=0.05)))
train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.train_pipeline))
