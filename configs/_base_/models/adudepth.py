# What ADU-Depth adds to a student and a teacher whose decoders have the same channels: attention-adapted feature
# distillation at strides 8, 16 and 32 (a third of the weight each), focal-depth-adapted response distillation, and
# guidance of both by the student's uncertainty. Values are defaults of this project, not from the paper
# (projects/adudepth/README.md says why).
strides = (8, 16, 32)
_guide = dict(log_scale='student.log_scale', valid_mask='data.valid_mask')
distillation = dict(
    connectors={f'adapted_{s}': dict(type='AttentionConnector', channels=256, attention='nonlocal') for s in strides},
    connector_inputs={f'adapted_{s}': dict(feat=f'student.feat_{s}') for s in strides},
    losses=dict(
        **{f'loss_feat_{s}': dict(type='AdaptedFeatureLoss', loss_weight=0.1 / 3, guidance='nll') for s in strides},
        loss_resp=dict(type='FocalDepthLoss', loss_weight=0.1, gamma=1.0, tau=0.1, guidance='nll'),
    ),
    loss_inputs=dict(
        **{
            f'loss_feat_{s}': dict(student_feat=f'student.adapted_{s}', teacher_feat=f'teacher.feat_{s}', **_guide)
            for s in strides
        },
        loss_resp=dict(student_depth='student.depth', teacher_depth='teacher.depth', **_guide),
    ),
)
