# TPVFormer-Occ for two CPU cores: the image network and losses of bevformer-occ_lite0, with three planes of a box of
# 100 x 100 x 8 cells.
_base_ = './bevformer-occ_lite0.py'
student = dict(
    type='TPVFormerOccModel',
    view_transform=dict(
        _delete_=True,
        type='TPVFormerEncoder',
        embed_dims=64,
        grid_size=[100, 100, 8],
        num_layers=2,
        num_plane_layers=0,
        num_levels=1,
        num_heights=[4, 8, 8],
        num_points=[8, 8, 8],
        num_heads=4,
        plane_heights=4,
        plane_points=4,
        dropout=0.0,
    ),
    occ_head=dict(
        _delete_=True,
        type='BEVDetOccHead',
        in_channels=64,
        mid_channels=32,
        hidden_channels=32,
        upsample=2,
        loss_occ=dict(type='MaskedCrossEntropyLoss', loss_weight=3.0, class_weight=[2.0] * 11 + [1.0] * 6 + [0.25]),
        loss_lovasz=dict(type='OccLovaszLoss', loss_weight=1.0),
    ),
)
