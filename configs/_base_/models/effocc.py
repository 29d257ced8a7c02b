# EFFOcc's recipe beside the head that a student begins with: BEV features and the cosine of voxel logits are matched in
# foreground, background and empty space, each divided by its own size.
_groups = [list(range(11)), list(range(11, 17)), [17]]
effocc = dict(
    connectors=dict(
        chosen=dict(type='ClassGroupSampler', groups=_groups, trust_labels=False),
        columns=dict(type='ColumnGroups', groups=_groups, stride=2),
    ),
    connector_inputs=dict(
        chosen=dict(logits='teacher.calibrated_logits', labels='data.gt_occ'),
        columns=dict(logits='teacher.calibrated_logits'),
    ),
    losses=dict(
        loss_bev=dict(type='GroupedFeatureLoss', loss_weight=1.0),
        loss_cosine=dict(type='GroupedLogitLoss', kind='cosine', loss_weight=1.0),
    ),
    loss_inputs=dict(
        loss_bev=dict(student_feat='student.bev_feat', teacher_feat='teacher.bev_feat', masks='teacher.columns'),
        loss_cosine=dict(
            student_logits='student.calibrated_logits',
            teacher_logits='teacher.calibrated_logits',
            index='teacher.chosen.index',
            weight='teacher.chosen.weight',
        ),
    ),
)
