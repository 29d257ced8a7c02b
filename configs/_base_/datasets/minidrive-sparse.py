# The sparse task on MiniDrive: images of 128x224, light augmentation.
_base_ = './sparse-nus.py'
data_root = 'data/minidrive'
input_size = (128, 224)

train_pipeline = [
    dict(type='LoadMultiViewImages', reduced_decode=2),
    dict(type='MultiViewImageAug', final_dim=input_size, resize_lim=(0.0, 0.04), rot_lim=(0.0, 0.0), flip=False),
    dict(type='MultiViewColorJitter'),
    *_base_.train_pipeline[2:],
]
test_pipeline = [
    dict(type='LoadMultiViewImages', reduced_decode=2),
    dict(type='MultiViewImageAug', final_dim=input_size, test_mode=True),
    dict(type='PackOccInputs'),
]
train_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(ann_file='data/minidrive/occ3d-nus_infos_val.pkl', data_root=data_root)
test_evaluator = val_evaluator
