# A rival without any of ADU-Depth: mean absolute difference of both depths in metres, all pixels alike.
_base_ = './adudepth-resp_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(
    losses=dict(_delete_=True, loss_depth_l1=dict(type='FeatureMatchLoss', norm='l1', loss_weight=0.1)),
    loss_inputs=dict(
        _delete_=True,
        loss_depth_l1=dict(student_feat='student.depth', teacher_feat='teacher.depth', mask='data.valid_mask'),
    ),
)
