# RadOcc and EFFOcc's recipe together, RadOcc with the field, density and weights of radocc-log-odds.
_base_ = [
    './radocc_bevfusion-r50_flashocc-r50-m1_8xb4-24e_occ3d-nus.py',
    '../_base_/models/effocc.py',
]
_base_.effocc.connectors.columns.stride = 1  # BEV cells are as wide as voxels
_base_.effocc.connectors.rendered = dict(density='log_odds')
_base_.effocc.losses.update({name: dict(loss_weight=0.3) for name in ('loss_rdc', 'loss_rsc', 'loss_rsc_kl')})
model = dict(inherit=['occ_head'], shared=dict(rays=dict(geometry=dict(step=0.4, field='voxel'))), **_base_.effocc)
