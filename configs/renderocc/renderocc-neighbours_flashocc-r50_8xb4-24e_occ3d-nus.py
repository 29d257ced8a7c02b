# Rays of the keyframe before and after the sample as well, 0.3 of its rays each, as RenderOcc weighs them.
_base_ = './renderocc_flashocc-r50_8xb4-24e_occ3d-nus.py'
neighbour_points = [dict(type='LoadLidarPoints'), dict(type='LoadPointClasses'), dict(type='PointsToEgo')]
train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='AddNeighbourRays', num_rays=2458, transforms=neighbour_points),
    *_base_.train_pipeline[-1:],
]
train_dataloader = dict(dataset=dict(neighbours=1, pipeline=train_pipeline))
