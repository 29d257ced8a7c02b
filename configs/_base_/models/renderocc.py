# Losses along LiDAR rays (the idea of RenderOcc, arXiv:2309.09502), for any occupancy model. A config hands the box and
# the grid of its data set to the geometry.
ray_supervision = dict(
    type='LidarRaySupervision',
    # From the roof to the farthest corner of the grid. One bin is as long as the edge of a voxel.
    geometry=dict(type='RaySampleGeometry', t_range=(0.0, 58.0), step=0.4, field='voxel'),
    losses=dict(
        loss_ray_end=dict(type='RayEndLoss', loss_weight=1.0),
        loss_ray_class=dict(type='RenderedClassLoss', loss_weight=1.0),
    ),
)
