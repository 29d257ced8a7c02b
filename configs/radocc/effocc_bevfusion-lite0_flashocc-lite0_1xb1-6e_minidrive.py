# A rival without rendering: EFFOcc's recipe. The student begins with the teacher's head; BEV features and the cosine of
# voxel logits are matched in foreground, background and empty space, each divided by its own size.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
groups = [list(range(11)), list(range(11, 17)), [17]]
model = dict(
    inherit=['occ_head'],
    shared=None,
    connectors=dict(
        _delete_=True,
        chosen=dict(type='ClassGroupSampler', groups=groups, trust_labels=False),
        columns=dict(type='ColumnGroups', groups=groups, stride=2),
    ),
    connector_inputs=dict(
        _delete_=True,
        chosen=dict(logits='teacher.calibrated_logits', labels='data.gt_occ'),
        columns=dict(logits='teacher.calibrated_logits'),
    ),
    losses=dict(
        _delete_=True,
        loss_bev=dict(type='GroupedFeatureLoss', loss_weight=1.0),
        loss_cosine=dict(type='GroupedLogitLoss', kind='cosine', loss_weight=1.0),
    ),
    loss_inputs=dict(
        _delete_=True,
        loss_bev=dict(student_feat='student.bev_feat', teacher_feat='teacher.bev_feat', masks='teacher.columns'),
        loss_cosine=dict(
            student_logits='student.calibrated_logits',
            teacher_logits='teacher.calibrated_logits',
            index='teacher.chosen.index',
            weight='teacher.chosen.weight',
        ),
    ),
)
