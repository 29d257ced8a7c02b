# BEVDet-Occ with Swin-B. The teacher sees the same images of 512x1408.
_base_ = [
    '../bevdet_occ/bevdet-occ_swin-b-4d-stereo_8xb1-24e_occ3d-nus.py',
    '../_base_/models/radocc_bevfusion-r50.py',
]
_base_.distillation.teacher.view_transform.point_cloud_range = _base_.point_cloud_range
_base_.distillation.teacher.pts_encoder.point_cloud_range = _base_.point_cloud_range
_base_.distillation.shared.rays.geometry.update(point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size)
model = dict(_delete_=True, student=_base_.model, **_base_.distillation)
model.update(
    teacher_ckpt='work_dirs/bevfusion-occ_r50-512x1408_8xb4-24e_occ3d-nus/epoch_24.pth',
    teacher_config='configs/bevfusion_occ/bevfusion-occ_r50-512x1408_8xb4-24e_occ3d-nus.py',
)
pipeline = [_base_.history, *_base_.distill_train_pipeline[2:]]
train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=pipeline))
_base_.distillation_hooks[0].interval = 4  # once a step: four iterations are accumulated
custom_hooks = _base_.distillation_hooks
