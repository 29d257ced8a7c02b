# Voxels count as far as the teacher is right (labelled) or sure (all others, and frames without labels).
_base_ = './logit-kl_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
model = dict(
    connectors=dict(_delete_=True, trust=dict(type='VoxelTrust')),
    connector_inputs=dict(
        _delete_=True, trust=dict(logits='teacher.calibrated_logits', labels='data.gt_occ', mask='data.mask_camera')
    ),
    loss_inputs=dict(loss_voxel_kl=dict(mask='teacher.trust')),
)
