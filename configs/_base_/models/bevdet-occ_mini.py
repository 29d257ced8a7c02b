# BEVDet-Occ for two CPU cores: flashocc_mini with 100 x 100 x 8 voxels in place of its BEV, and no class weights.
_base_ = './flashocc_mini.py'
student = dict(
    view_transform=dict(out_channels=16, grid_size=[100, 100, 8], collapse_z=False),
    grid_backbone=dict(type='VoxelResNet', in_channels=16, channels=[16, 24, 32]),
    grid_neck=dict(_delete_=True, type='VoxelLSSFPN', in_channels=[16, 24, 32], out_channels=16),
    occ_head=dict(
        type='BEVDetOccHead',
        in_channels=16,
        mid_channels=16,
        hidden_channels=8,
        loss_occ=dict(_delete_=True, type='MaskedCrossEntropyLoss', loss_weight=1.0),
    ),
)
