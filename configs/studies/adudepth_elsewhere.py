# What does a stereo teacher of another data set add, as weights that one downloads? It saw LiDAR depth on all drives of
# a second MiniDrive and none of this one, where all cars have two cameras and few have a LiDAR. A student alone learns
# nothing from frames without LiDAR, so it sees the others in all of its steps, and under the teacher in half.
_base_ = './adudepth_labels.py'
title = 'What does a stereo teacher of another data set add?'
teacher_seed = 1
_lite0 = 'configs/adudepth/{}_stereo-lite0_mono-lite0_1xb4-12e_minidrive.py'
controls = ['alone', 'alone_longer']
arms = dict(
    _delete_=True,
    alone=dict(config=_base_.student, labelled_share=1.0),
    adudepth_few=_lite0.format('adudepth-few-labels'),
    # A plain rival: the teacher's log depth, imitated in all pixels alike at the same weight.
    plain_few=_lite0.format('adudepth-few-labels-plain'),
    # As it is for many labels, its two halves, and a rival without either.
    adudepth=_lite0.format('adudepth'),
    feat=_lite0.format('adudepth-feat'),
    resp=_lite0.format('adudepth-resp'),
    depth_l1=_lite0.format('depth-l1'),
    # The control in seconds.
    alone_longer=dict(config=_base_.student, epochs=32, labelled_share=1.0),
    # What the data and labels of the teacher give in place of its weights, for who has them.
    alone_elsewhere=dict(config=_base_.student, elsewhere=True),
)
pairs = [('adudepth_few', 'plain_few'), ('adudepth_few', 'alone_longer')]
settings = dict(
    _delete_=True,
    labels_10=dict(label_part=0.1, labelled_share=0.5),
    labels_3=dict(label_part=0.03, labelled_share=0.5),
)
words = dict(
    alone=('student alone', 'The student of one image, without a teacher; each of its steps shows a frame with LiDAR.'),
    adudepth_few=('ADU-Depth for few labels', 'ADU-Depth with the weights of the config for few labels.'),
    plain_few=(
        'plain imitation',
        "The student matches the teacher's log depth in all pixels alike, at that weight.",
    ),
    feat=('features of ADU-Depth', "Of ADU-Depth only the teacher's features."),
    resp=('depth of ADU-Depth', "Of ADU-Depth only the teacher's depth."),
    depth_l1=('L1 of depth', "The student matches the teacher's depth by its absolute difference."),
    alone_elsewhere=('student trained elsewhere', "The student on the teacher's data set, with all LiDAR of that."),
)
