# RadOcc on the sparse task. Rays reach as far behind its corner (72.4 m) as on the dense one.
_base_ = [
    './sparse-occ_flashocc-r50_8xb4-24e_nus-lidarseg.py',
    '../_base_/models/bevfusion-occ_r50.py',
    '../_base_/models/radocc.py',
]
_base_.teacher.view_transform.update(point_cloud_range=_base_.point_cloud_range, grid_size=[256, 256, 1])
_base_.teacher.pts_encoder.point_cloud_range = _base_.point_cloud_range
_base_.teacher.occ_head.update(num_heights=_base_.grid_size[2], mask=None)
_base_.teacher.occ_head.loss_occ.class_weight = [1.0] * 17 + [0.25]
_base_.teacher.occ_head.loss_lovasz = dict(type='OccLovaszLoss', loss_weight=1.0)
_base_.distillation.shared.rays.geometry.update(
    point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size, t_range=(0.0, 73.2)
)
model = dict(
    _delete_=True,
    type='Distiller',
    student=_base_.student,
    teacher=_base_.teacher,
    teacher_ckpt='work_dirs/sparse-occ_bevfusion-r50_8xb4-24e_nus-lidarseg/epoch_24.pth',
    teacher_config='configs/sparse_occ/sparse-occ_bevfusion-r50_8xb4-24e_nus-lidarseg.py',
    **_base_.distillation,
)
train_pipeline = [
    *_base_.train_pipeline[:2],
    *_base_.fusion_points,
    dict(type='LoadImageSegments', render_size=_base_.render_size),
    dict(type='PackOccInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

custom_hooks = [
    dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL'),
    dict(type='DistillWarmupHook', warmup_iters=500),
]
