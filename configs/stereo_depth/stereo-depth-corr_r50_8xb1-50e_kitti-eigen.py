# Fusion by a correlation volume at stride 4 over 192 pixels of disparity, supervised by the truth.
_base_ = './stereo-depth_r50_8xb1-50e_kitti-eigen.py'
model = dict(
    fuser=dict(type='CorrelationStereoFuser', max_disparity=192, stride=4),
    loss_match=dict(type='DisparityMatchLoss'),
)
