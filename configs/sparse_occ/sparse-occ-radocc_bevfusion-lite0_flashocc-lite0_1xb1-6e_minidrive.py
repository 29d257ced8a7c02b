# RadOcc on the sparse task, for two CPU cores: settings of radocc_bevfusion-lite0_flashocc-lite0, rays as far as the
# larger box.
_base_ = [
    './sparse-occ_flashocc-lite0_1xb1-6e_minidrive.py',
    '../_base_/models/bevfusion-occ_lite0.py',
    '../_base_/models/radocc.py',
]
_base_.teacher.view_transform.update(point_cloud_range=_base_.point_cloud_range, grid_size=[128, 128, 5])
_base_.teacher.grid_backbone.in_channels = 160
_base_.teacher.pts_encoder.point_cloud_range = _base_.point_cloud_range
_base_.teacher.occ_head.update(num_heights=_base_.grid_size[2], mask=None)
model = dict(
    _delete_=True,
    type='Distiller',
    student=_base_.student,
    teacher=_base_.teacher,
    teacher_ckpt='work_dirs/sparse-occ_bevfusion-lite0_1xb1-6e_minidrive/epoch_6.pth',
    teacher_config='configs/sparse_occ/sparse-occ_bevfusion-lite0_1xb1-6e_minidrive.py',
    side_by_side=True,
    **_base_.distillation,
)
model['shared']['rays'].update(num_rays=4096)
model['shared']['rays']['geometry'].update(
    point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size, t_range=(0.0, 61.2), step=0.4, field='voxel'
)
model['connectors']['rendered'].update(density='log_odds')
model['losses']['loss_rdc'].update(loss_weight=0.3)
model['losses']['loss_rsc'].update(loss_weight=0.3, max_segments=96)
model['losses']['loss_rsc_kl'].update(loss_weight=0.3)

train_pipeline = [
    *_base_.train_pipeline[:3],
    *_base_.fusion_points,
    dict(type='LoadImageSegments', render_size=(90, 160)),
    dict(type='PackOccInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

custom_hooks = [dict(type='DistillWarmupHook', warmup_iters=100)]
