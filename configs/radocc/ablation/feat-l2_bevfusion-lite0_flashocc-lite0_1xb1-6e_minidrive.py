# FitNets: squared difference of BEV features, the student's through a 1x1 convolution.
_base_ = '../radocc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    shared=None,
    connectors=dict(_delete_=True, adapted=dict(type='ProjectionConnector', in_channels=64, out_channels=64)),
    connector_inputs=dict(_delete_=True, adapted=dict(feat='student.bev_feat')),
    losses=dict(_delete_=True, loss_feat=dict(type='FeatureMatchLoss', norm='l2', loss_weight=1.0)),
    loss_inputs=dict(_delete_=True, loss_feat=dict(student_feat='student.adapted', teacher_feat='teacher.bev_feat')),
)
