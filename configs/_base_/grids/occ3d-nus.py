# The scene of Occ3D-nuScenes: the box that models see, the voxels of the labels, the classes. They stand in the module
# below, from which the METAINFO of the data set has them as well; a config hands the box to its model.
_base_ = []  # before the import: without it MMEngine takes a file with an import for a lazy config
import projects.occ_eval.classes as _classes

point_cloud_range = list(_classes.OCC3D_RANGE)  # x, y, z minimum, then maximum, in metres
grid_size = list(_classes.OCC3D_SHAPE)  # voxels along x, y and z
# Read by mmdet3d.apis.init_model when a checkpoint does not say what its data were.
class_names = list(_classes.OCC3D_CLASSES)
