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
