# Control: the left image twice. What separates it from the teacher is stereo and not the number of parameters.
_base_ = './stereo-depth_r50_8xb1-50e_kitti-eigen.py'
model = dict(right_from_left=True)
