# A student of another family under the same teacher, rays and losses: radocc_bevfusion-lite0_flashocc-lite0 with
# TPVFormer-Occ.
_base_ = [
    '../tpvformer_occ/tpvformer-occ_lite0_1xb1-6e_minidrive.py',
    '../_base_/models/radocc_bevfusion-lite0.py',
]
_base_.distillation.teacher.view_transform.point_cloud_range = _base_.point_cloud_range
_base_.distillation.teacher.pts_encoder.point_cloud_range = _base_.point_cloud_range
_base_.distillation.shared.rays.geometry.update(point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size)
model = dict(_delete_=True, student=_base_.student, **_base_.distillation)
train_dataloader = dict(dataset=dict(modality=_base_.fusion_modality, pipeline=_base_.distill_train_pipeline))
custom_hooks = _base_.distillation_hooks
