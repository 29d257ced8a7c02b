# A rival without rendering: KL divergence of the classes of voxels, foreground, background and empty ones alike.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    shared=None,
    connectors=dict(
        _delete_=True,
        chosen=dict(type='ClassGroupSampler', groups=[list(range(11)), list(range(11, 17)), [17]]),
    ),
    connector_inputs=dict(_delete_=True, chosen=dict(logits='teacher.calibrated_logits', labels='data.gt_occ')),
    losses=dict(_delete_=True, loss_voxel_kl=dict(type='GroupedLogitLoss', loss_weight=0.3)),
    loss_inputs=dict(
        _delete_=True,
        loss_voxel_kl=dict(
            student_logits='student.calibrated_logits',
            teacher_logits='teacher.calibrated_logits',
            index='teacher.chosen.index',
            weight='teacher.chosen.weight',
        ),
    ),
)
