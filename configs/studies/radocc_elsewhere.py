# What does a teacher add that was trained on another data set, as weights that one downloads? It saw all labels of a
# second MiniDrive and none of this one, where three or ten of 96 scenes have labels.
_base_ = './radocc_labels.py'
title = 'What does a teacher of another data set add?'
teacher_seed = 1
_radocc = 'configs/radocc/{}_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
arms = dict(
    _delete_=True,
    alone=dict(config=_base_.student, seeds=[0, 1, 2, 3, 4]),
    alone_labelled=dict(config=_base_.student, labelled_share=1.0),
    radocc=_radocc.format('radocc'),
    radocc_pseudo=_radocc.format('radocc-pseudo'),
    # Parts of RadOcc, and what the paper has beside RDC: depth that is rendered and aligned.
    rdc=_radocc.format('radocc-rdc'),
    rsc=_radocc.format('radocc-rsc'),
    rsc_slic=dict(config=_radocc.format('radocc-rsc-slic'), segments='slic'),
    depth=_radocc.format('radocc-depth'),
    # Rivals without rendering losses, and the control in seconds.
    pseudo=_radocc.format('pseudo-labels'),
    voxel_kl=_radocc.format('voxel-kl'),
    effocc=_radocc.format('effocc'),
    # What the teacher's weights are worth without a loss: its head, and all that has the student's shape.
    inherit_head=_radocc.format('inherit-head'),
    inherit_camera=_radocc.format('inherit-camera'),
    radocc_effocc=_radocc.format('radocc-effocc'),
    alone_longer=dict(config=_base_.student, epochs=7),
    # What the data and labels of the teacher give in place of its weights, for who has them.
    alone_elsewhere=dict(config=_base_.student, elsewhere=True),
)
controls = ['alone', 'alone_labelled', 'alone_longer', 'inherit_head']
pairs = [
    ('radocc', 'alone_longer'),
    ('effocc', 'alone_longer'),
    ('effocc', 'radocc'),
    ('radocc', 'inherit_head'),
    ('effocc', 'inherit_head'),
    ('radocc_effocc', 'inherit_head'),
    ('radocc_effocc', 'alone_longer'),
    ('radocc_effocc', 'radocc'),
    ('radocc_effocc', 'effocc'),
    ('radocc', 'rsc'),
    ('rsc_slic', 'rsc'),
    ('rdc', 'depth'),
]
settings = dict(
    _delete_=True,
    labels_3=dict(label_part=0.03, labelled_share=0.5),
    labels_10=dict(label_part=0.1, labelled_share=0.5),
    # Labels on three scenes that differ from seed to seed, for all others share those of labels_3.
    labels_3_drawn=dict(label_part=0.03, labelled_share=0.5, label_draw='seed'),
    # Three times the steps: what is left of a gain when nothing is short of steps any more.
    labels_3_long=dict(label_part=0.03, labelled_share=0.5, schedule=3),
)
words = dict(
    inherit_head=(
        "teacher's head, no loss",
        "The student begins with the teacher's head and has no loss of it.",
    ),
    inherit_camera=(
        "teacher's camera branch and head, no loss",
        "The student begins with all that the teacher has in the student's shape and has no loss of it.",
    ),
    radocc_effocc=("RadOcc and EFFOcc's recipe", 'The losses of both with the weights that each has alone.'),
    alone_elsewhere=('student trained elsewhere', "The student on the teacher's data set, with all labels of that."),
    labels_3_drawn=('labels on 3 %, other scenes for each seed', 'Half of the steps show a labelled frame.'),
    labels_3_long=('labels on 3 %, three times the steps', 'Half of the steps show a labelled frame.'),
)
