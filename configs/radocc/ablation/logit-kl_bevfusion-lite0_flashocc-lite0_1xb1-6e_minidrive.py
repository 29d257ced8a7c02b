# Hinton et al.: KL divergence of the classes of all voxels, which are mostly free.
_base_ = '../voxel-kl_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    connectors=None,
    connector_inputs=None,
    losses=dict(_delete_=True, loss_voxel_kl=dict(type='LogitKLLoss', loss_weight=1.0)),
    loss_inputs=dict(
        _delete_=True,
        loss_voxel_kl=dict(student_logits='student.calibrated_logits', teacher_logits='teacher.calibrated_logits'),
    ),
)
