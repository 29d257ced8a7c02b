# A rival: labels of the teacher on frames without labels, and no other distillation. Rays say what the cameras see.
_base_ = './radocc-pseudo_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
_head = _base_.student.occ_head
model = dict(
    connector_inputs=dict(rendered=dict(occ_logits='teacher.calibrated_logits')),
    losses=dict(_delete_=True, loss_pseudo_occ=_head.loss_occ, loss_pseudo_lovasz=_head.loss_lovasz),
    loss_inputs=dict(
        _delete_=True,
        loss_pseudo_occ=dict(logits='student.occ_logits', target='teacher.pseudo'),
        loss_pseudo_lovasz=dict(logits='student.occ_logits', target='teacher.pseudo'),
    ),
)
