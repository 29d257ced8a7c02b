# RadOcc on MiniDrive: radocc under the teacher of bevfusion-occ_lite0. A config hands the box and the grid of its data
# set to the teacher and the rays. Rays, field and density are those of radocc_bevfusion-mini_flashocc-mini.
_base_ = ['./bevfusion-occ_lite0.py', './radocc.py']
distillation = dict(
    type='Distiller',
    teacher=_base_.teacher,
    teacher_ckpt='work_dirs/bevfusion-occ_lite0_1xb1-6e_minidrive/epoch_6.pth',
    teacher_config='configs/bevfusion_occ/bevfusion-occ_lite0_1xb1-6e_minidrive.py',
    side_by_side=True,
    shared=dict(rays=dict(num_rays=4096, geometry=dict(t_range=(0.0, 48.0), step=0.4, field='voxel'))),
    connectors=dict(rendered=dict(density='log_odds')),
    # 0.3 each: at 1.0 the losses of the task are slowed down (measured, docs/experiments).
    losses=dict(
        loss_rdc=dict(loss_weight=0.3),
        loss_rsc=dict(loss_weight=0.3, max_segments=96),
        loss_rsc_kl=dict(loss_weight=0.3),
    ),
)
distillation_hooks = [dict(type='DistillWarmupHook', warmup_iters=100)]
