# Relations between voxels: rows of Gram matrices of 512 voxels of each region.
_base_ = '../voxel-kl_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    connectors=dict(chosen=dict(num_positions=512)),
    losses=dict(_delete_=True, loss_affinity=dict(type='SampledAffinityLoss', loss_weight=1.0)),
    loss_inputs=dict(
        _delete_=True,
        loss_affinity=dict(
            student_feat='student.calibrated_logits',
            teacher_feat='teacher.calibrated_logits',
            index='teacher.chosen.index',
            weight='teacher.chosen.weight',
        ),
    ),
)
