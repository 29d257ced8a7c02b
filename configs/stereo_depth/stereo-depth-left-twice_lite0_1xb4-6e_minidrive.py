# Control: the left image twice. What separates it from the teacher is stereo and not the number of parameters.
_base_ = './stereo-depth_lite0_1xb4-6e_minidrive.py'
model = dict(right_from_left=True)
