# RadOcc where few scenes have labels: on the others the teacher's classes are labels, at voxels that its rays see.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
_head = _base_.student.occ_head
model = dict(
    connectors=dict(
        visible=dict(type='VisibleVoxels', point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size),
        pseudo=dict(type='PseudoLabels'),
    ),
    connector_inputs=dict(
        visible=dict(rendered='teacher.rendered', rays='shared.rays'),
        pseudo=dict(logits='teacher.calibrated_logits', labels='data.gt_occ', mask='teacher.visible'),
    ),
    losses=dict(loss_pseudo_occ=_head.loss_occ, loss_pseudo_lovasz=_head.loss_lovasz),
    loss_inputs=dict(
        loss_pseudo_occ=dict(logits='student.occ_logits', target='teacher.pseudo'),
        loss_pseudo_lovasz=dict(logits='student.occ_logits', target='teacher.pseudo'),
    ),
)
