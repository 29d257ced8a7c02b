# The scene of Occ3D-nuScenes: the box that models see, the voxels of the labels, the classes. The data set has the same
# in its METAINFO and hands them to its pipeline, to metrics and to pictures; a config hands the box to its model.
point_cloud_range = [-40.0, -40.0, -1.0, 40.0, 40.0, 5.4]  # x, y, z minimum, then maximum, in metres
grid_size = [200, 200, 16]  # voxels along x, y and z
# Read by mmdet3d.apis.init_model when a checkpoint does not say what its data were.
class_names = [
    'others', 'barrier', 'bicycle', 'bus', 'car', 'construction_vehicle', 'motorcycle', 'pedestrian', 'traffic_cone',
    'trailer', 'truck', 'driveable_surface', 'other_flat', 'sidewalk', 'terrain', 'manmade', 'vegetation', 'free'
]  # fmt: skip
