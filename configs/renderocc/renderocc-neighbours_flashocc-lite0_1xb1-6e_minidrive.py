# Rays of the keyframe before and after the sample as well, 0.3 of its rays each, as RenderOcc weighs them.
_base_ = './renderocc_flashocc-lite0_1xb1-6e_minidrive.py'
neighbour_points = [dict(type='LoadLidarPoints'), dict(type='LoadPointClasses'), dict(type='PointsToEgo')]
train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='AddNeighbourRays', num_rays=1229, transforms=neighbour_points),
    *_base_.train_pipeline[-1:],
]
train_dataloader = dict(dataset=dict(neighbours=1, pipeline=train_pipeline))
