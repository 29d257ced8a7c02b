# A plain rival of adudepth-few-labels: the student imitates the teacher's log depth, all pixels alike, at the same
# weight.
_base_ = './adudepth-resp-plain_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
model = dict(losses=dict(loss_resp=dict(loss_weight=3.0)))
