# BEVDet-Occ (arXiv:2211.17111 and its code): the image network of flashocc_r50, 88 depth bins, 200 x 200 x 16 voxels
# with 32 channels.
_base_ = './flashocc_r50.py'
import projects.occ_eval.classes as _classes

student = dict(
    view_transform=dict(
        out_channels=32, grid_size=list(_classes.OCC3D_SHAPE), depth_range=(1.0, 45.0, 0.5), collapse_z=False
    ),
    grid_backbone=dict(
        type='VoxelResNet', in_channels=32, channels=[32, 64, 128], num_blocks=[1, 2, 4], strides=[1, 2, 2]
    ),
    grid_neck=dict(type='VoxelLSSFPN', in_channels=[32, 64, 128], out_channels=32),
    occ_head=dict(type='BEVDetOccHead', in_channels=32, mid_channels=32),
)
