# TPVFormer-Occ (arXiv:2302.07817): points and heads of the author's configs, 128 channels as for LiDAR segmentation, a
# box of 100 x 100 x 8 cells as for occupancy. ResNet-50 in place of the deformable ResNet-101; a head with voxels twice
# as fine.
_base_ = './bevformer-occ_r50.py'
student = dict(
    type='TPVFormerOccModel',
    img_neck=dict(out_channels=128),
    view_transform=dict(
        _delete_=True,
        type='TPVFormerEncoder',
        embed_dims=128,
        grid_size=[100, 100, 8],
        num_layers=3,
        num_plane_layers=2,
        num_levels=4,
        num_heights=[4, 32, 32],
        num_points=[8, 64, 64],
        plane_heights=16,
        plane_points=32,
        dropout=0.1,
    ),
    occ_head=dict(
        _delete_=True,
        type='BEVDetOccHead',
        in_channels=128,
        mid_channels=32,
        upsample=2,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=1.0),
    ),
)
