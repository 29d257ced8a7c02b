# RadOcc whose rays of foreground, background and empty space have the same say, in RDC and in the KL of semantics.
_base_ = './radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    connectors=dict(regions=dict(type='RayRegions', groups=[list(range(11)), list(range(11, 17))])),
    connector_inputs=dict(regions=dict(rendered='teacher.rendered')),
    loss_inputs=dict(loss_rdc=dict(trust='teacher.regions'), loss_rsc_kl=dict(trust='teacher.regions')),
)
