# RadOcc with KL divergence of the classes of voxels beside it, as in the author's last public config; here at voxels
# that the cameras see by the teacher's rays, and groups of classes alike.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    connectors=dict(
        visible=dict(type='VisibleVoxels', point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size),
        chosen=dict(type='ClassGroupSampler', groups=[list(range(11)), list(range(11, 17)), [17]]),
    ),
    connector_inputs=dict(
        visible=dict(rendered='teacher.rendered', rays='shared.rays'),
        chosen=dict(logits='teacher.calibrated_logits', labels='data.gt_occ', mask='teacher.visible'),
    ),
    losses=dict(loss_voxel_kl=dict(type='GroupedLogitLoss', loss_weight=1.0)),
    loss_inputs=dict(
        loss_voxel_kl=dict(
            student_logits='student.calibrated_logits',
            teacher_logits='teacher.calibrated_logits',
            index='teacher.chosen.index',
            weight='teacher.chosen.weight',
        ),
    ),
)
