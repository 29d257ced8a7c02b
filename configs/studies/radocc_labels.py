# Does distillation pay, and where? Camera students on MiniDrive with labels on a part of the scenes, alone and under a
# LiDAR-camera teacher that saw the same labels. Every arm takes the same steps, and half of them show a labelled frame;
# the controls show labelled frames alone, and train for as many seconds as RadOcc takes.
_radocc = 'configs/radocc/{}_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
title = 'When does a LiDAR teacher pay?'
data = dict(preset='study', seed=0, root='data/minidrive-study')
epochs = 4
student = 'configs/flashocc/flashocc_lite0_1xb1-6e_minidrive.py'
teacher = 'configs/bevfusion_occ/bevfusion-occ_lite0_1xb1-6e_minidrive.py'
rays = _radocc.format('radocc')
controls = ['alone', 'alone_labelled', 'alone_longer']
arms = dict(
    alone=dict(config=student, seeds=[0, 1, 2, 3, 4]),
    alone_labelled=dict(config=student, labelled_share=1.0),
    radocc_pseudo=_radocc.format('radocc-pseudo'),
    radocc=_radocc.format('radocc'),
    rdc=_radocc.format('radocc-rdc'),
    rsc=_radocc.format('radocc-rsc'),
    rsc_slic=dict(config=_radocc.format('radocc-rsc-slic'), segments='slic'),
    depth=_radocc.format('radocc-depth'),
    # Rivals without rendering losses.
    pseudo=_radocc.format('pseudo-labels'),
    voxel_kl=_radocc.format('voxel-kl'),
    effocc=_radocc.format('effocc'),
    alone_longer=dict(config=student, epochs=7),
)
seeds = [0, 1, 2]
settings = dict(
    labels_3=dict(label_part=0.03, labelled_share=0.5),
    labels_10=dict(label_part=0.1, labelled_share=0.5),
    labels_25=dict(label_part=0.25, labelled_share=0.5),
    labels_100=dict(),
)
# What the page calls arms and settings, and what each is.
words = dict(
    teacher=('teacher', 'Sees LiDAR and six cameras.'),
    alone=(
        'student alone',
        'The camera student without a teacher: the control of the same steps.',
    ),
    alone_labelled=('student alone, labels only', 'The same, shown a labelled frame in every step.'),
    alone_longer=(
        'student alone, longer',
        'The same for seven epochs in place of four, about the seconds of RadOcc.',
    ),
    radocc=(
        'RadOcc',
        "The student matches where the teacher's rendered rays end (RDC), how alike rendered image segments are (RSC), "
        'and the rendered classes (KL).',
    ),
    radocc_pseudo=("RadOcc, teacher's classes", "RadOcc, with the teacher's classes as labels of frames without any."),
    rdc=('RDC alone', 'Of RadOcc only where rays end.'),
    rsc=('RSC alone', 'Of RadOcc only how alike image segments are, and the rendered classes.'),
    rsc_slic=('RSC on superpixels', 'RSC alone on segments that SLIC finds, in place of exact ones.'),
    depth=('rendered depth', "The student matches the teacher's rendered depth, one number for each ray."),
    pseudo=("teacher's classes", "The teacher's classes as labels of frames without any, and nothing else."),
    voxel_kl=('voxel KL', "The student matches the teacher's classes voxel by voxel; nothing is rendered."),
    effocc=(
        "EFFOcc's recipe",
        "The student begins with the teacher's head and matches its bird's-eye features and voxel logits; nothing is "
        'rendered.',
    ),
    labels_3=('labels on 3 % of the scenes', 'Half of the steps show a labelled frame.'),
    labels_10=('labels on 10 % of the scenes', 'Half of the steps show a labelled frame.'),
    labels_25=('labels on 25 % of the scenes', 'Half of the steps show a labelled frame.'),
    labels_100=('labels on all scenes', 'Every frame has a label.'),
)
