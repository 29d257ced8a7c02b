# Ablation of the paper: rendered depths are aligned, not the distributions of where rays end.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    losses=dict(_delete_=True, loss_depth_kd=dict(type='RenderedDepthLoss', loss_weight=0.1)),
    loss_inputs=dict(
        _delete_=True,
        loss_depth_kd=dict(
            student_depths='student.rendered.depths',
            teacher_depths='teacher.rendered.depths',
            teacher_opacities='teacher.rendered.opacities',
        ),
    ),
)
