# Fusion by cross-attention along rows, at strides 8 and 16.
_base_ = './stereo-depth_r50_8xb1-50e_kitti-eigen.py'
model = dict(fuser=dict(type='EpipolarStereoFuser', levels=[1, 2]))
