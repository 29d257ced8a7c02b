# RadOcc whose rays count as far as the teacher is right (labelled) or sure (all others, and frames without labels).
_base_ = '../radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    connectors=dict(
        trust=dict(type='RayTrust', point_cloud_range=_base_.point_cloud_range, grid_size=_base_.grid_size)
    ),
    connector_inputs=dict(trust=dict(rendered='teacher.rendered', rays='shared.rays', labels='data.gt_occ')),
    loss_inputs=dict(
        loss_rdc=dict(trust='teacher.trust'),
        loss_rsc=dict(trust='teacher.trust'),
        loss_rsc_kl=dict(trust='teacher.trust'),
    ),
)
