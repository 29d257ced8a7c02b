# A Gaussian in place of the Laplace likelihood of the student's own uncertainty.
_base_ = './adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py'
model = dict(student=dict(depth_head=dict(loss_scale=dict(likelihood='gaussian'))))
