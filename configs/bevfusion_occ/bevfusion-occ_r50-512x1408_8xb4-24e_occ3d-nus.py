# The teacher on the images of the Swin-B students, which it sees in their distillation. RadOcc's has this size too.
_base_ = './bevfusion-occ_r50_8xb4-24e_occ3d-nus.py'
input_size = (512, 1408)
_base_.fusion_train_pipeline[1].final_dim = input_size
_base_.fusion_test_pipeline[1].final_dim = input_size
train_dataloader = dict(dataset=dict(pipeline=_base_.fusion_train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.fusion_test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.fusion_test_pipeline))
