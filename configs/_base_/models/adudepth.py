# What ADU-Depth adds to a student and a teacher whose decoders have the same channels: attention-adapted feature
# distillation at strides 8, 16 and 32 (a third of the weight each), focal-depth-adapted response distillation, and
# guidance of both by the student's uncertainty. Values are defaults of this project, not from the paper
# (projects/adudepth/README.md says why).
distillation = dict(
    connectors=dict(
        adapted_8=dict(type='AttentionAdapter', channels=256, attention='nonlocal'),
        adapted_16=dict(type='AttentionAdapter', channels=256, attention='nonlocal'),
        adapted_32=dict(type='AttentionAdapter', channels=256, attention='nonlocal'),
    ),
    connector_inputs=dict(
        adapted_8=dict(feat='student.feat_8'),
        adapted_16=dict(feat='student.feat_16'),
        adapted_32=dict(feat='student.feat_32'),
    ),
    losses=dict(
        loss_feat_8=dict(type='AdaptedFeatureLoss', loss_weight=0.1 / 3, guidance='nll'),
        loss_feat_16=dict(type='AdaptedFeatureLoss', loss_weight=0.1 / 3, guidance='nll'),
        loss_feat_32=dict(type='AdaptedFeatureLoss', loss_weight=0.1 / 3, guidance='nll'),
        loss_resp=dict(type='FocalDepthLoss', loss_weight=0.1, gamma=1.0, tau=0.1, guidance='nll'),
    ),
    loss_inputs=dict(
        loss_feat_8=dict(
            student_feat='student.adapted_8',
            teacher_feat='teacher.feat_8',
            log_scale='student.log_scale',
            valid_mask='data.valid_mask',
        ),
        loss_feat_16=dict(
            student_feat='student.adapted_16',
            teacher_feat='teacher.feat_16',
            log_scale='student.log_scale',
            valid_mask='data.valid_mask',
        ),
        loss_feat_32=dict(
            student_feat='student.adapted_32',
            teacher_feat='teacher.feat_32',
            log_scale='student.log_scale',
            valid_mask='data.valid_mask',
        ),
        loss_resp=dict(
            student_depth='student.depth',
            teacher_depth='teacher.depth',
            log_scale='student.log_scale',
            valid_mask='data.valid_mask',
        ),
    ),
)
