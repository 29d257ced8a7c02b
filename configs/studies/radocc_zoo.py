# radocc_labels with one arm for each method of configs/radocc/ablation; docs/distillation_zoo.md lists them.
_base_ = './radocc_labels.py'
title = 'Which distillation pays?'
_ablation = 'configs/radocc/ablation/{}_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
arms = dict(
    feat_l1=_ablation.format('feat-l1'),
    feat_l2=_ablation.format('feat-l2'),
    bev_groups=_ablation.format('bev-groups'),
    cwd=_ablation.format('cwd'),
    cwd_t4=_ablation.format('cwd-t4'),
    logit_kl=_ablation.format('logit-kl'),
    logit_kl_trust=_ablation.format('logit-kl-trust'),
    voxel_kl_t4=_ablation.format('voxel-kl-t4'),
    voxel_kl_reverse=_ablation.format('voxel-kl-reverse'),
    voxel_kl_std=_ablation.format('voxel-kl-std'),
    affinity=_ablation.format('affinity'),
    depth_silog=_ablation.format('radocc-depth-silog'),
    radocc_trust=_ablation.format('radocc-trust'),
    radocc_unlabelled=_ablation.format('radocc-unlabelled'),
)
