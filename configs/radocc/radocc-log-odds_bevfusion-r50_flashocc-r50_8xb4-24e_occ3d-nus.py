# RadOcc with the field, the density and the weights of the studies on MiniDrive (docs/results.md), for a teacher
# that is trained by cross-entropy alone: projects/radocc/README.md, "Which density".
_base_ = './radocc_bevfusion-r50_flashocc-r50_8xb4-24e_occ3d-nus.py'
model = dict(
    shared=dict(rays=dict(geometry=dict(step=0.4, field='voxel'))),
    connectors=dict(rendered=dict(density='log_odds')),
    losses=dict(
        loss_rdc=dict(loss_weight=0.3),
        loss_rsc=dict(loss_weight=0.3),
        loss_rsc_kl=dict(loss_weight=0.3),
    ),
)
