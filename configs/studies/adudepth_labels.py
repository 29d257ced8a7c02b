# Does a stereo teacher pay for a student of one image, where few drives are labelled? Students on MiniDrive in KITTI
# format with LiDAR depth on a part of the drives, alone and under a stereo teacher that saw the same labels. Every arm
# takes the same steps; the control that takes as many seconds as ADU-Depth is alone_longer.
_lite0 = 'configs/adudepth/{}_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
title = 'When does a stereo teacher pay?'
data = dict(preset='study', seed=0, root='data/minidrive-kitti-study')
student = 'configs/mono_depth/mono-depth_lite0_1xb4-12e_minidrive.py'
teacher = 'configs/stereo_depth/stereo-depth_lite0_1xb4-6e_minidrive.py'
controls = ['alone', 'alone_labelled', 'alone_longer']
arms = dict(
    alone=student,
    adudepth=_lite0.format('adudepth'),
    # One ingredient after the other: features, attention, response, focal weight.
    feat_plain=_lite0.format('adudepth-feat-plain'),
    feat=_lite0.format('adudepth-feat'),
    resp_plain=_lite0.format('adudepth-resp-plain'),
    resp=_lite0.format('adudepth-resp'),
    # All but one ingredient.
    no_attention=_lite0.format('adudepth-no-attention'),
    no_focal=_lite0.format('adudepth-no-focal'),
    no_unc=_lite0.format('adudepth-no-unc'),
    unc_feat=_lite0.format('adudepth-unc-feat'),
    unc_resp=_lite0.format('adudepth-unc-resp'),
    emphasize=_lite0.format('adudepth-emphasize'),
    # A rival, and controls.
    depth_l1=_lite0.format('depth-l1'),
    alone_labelled=dict(config=student, labelled_share=1.0),
    alone_longer=dict(config=student, epochs=32),
)
seeds = [0, 1, 2]
settings = dict(
    labels_10=dict(label_part=0.1, labelled_share=0.5),
    labels_25=dict(label_part=0.25, labelled_share=0.5),
    labels_100=dict(),
)
# What the page calls arms and settings, and what each is.
words = dict(
    teacher=('teacher', 'Sees both images of a stereo pair.'),
    alone=('student alone', 'The student of one image, without a teacher: the control of the same steps.'),
    alone_labelled=('student alone, labels only', 'The same, shown a frame with LiDAR in every step.'),
    alone_longer=(
        'student alone, longer',
        'The same for 32 epochs in place of 12, about the seconds of ADU-Depth.',
    ),
    adudepth=('ADU-Depth', "The student matches the teacher's features and depth, both weighed by uncertainty."),
    labels_3=('LiDAR on 3 % of the drives', 'Half of the steps of a taught student show a frame with LiDAR.'),
    labels_10=('LiDAR on 10 % of the drives', 'Half of the steps of a taught student show a frame with LiDAR.'),
    labels_25=('LiDAR on 25 % of the drives', 'Half of the steps of a taught student show a frame with LiDAR.'),
    labels_100=('LiDAR on all drives', 'Every frame has LiDAR depth.'),
)
