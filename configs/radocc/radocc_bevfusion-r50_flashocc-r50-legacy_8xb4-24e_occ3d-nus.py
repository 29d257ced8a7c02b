# FlashOcc M0 as released weights want it, under the teacher: for runs that start from such weights. Both models see the
# same images, so the teacher is trained with model.data_preprocessor.bgr_to_rgb=False too.
_base_ = './radocc_bevfusion-r50_flashocc-r50_8xb4-24e_occ3d-nus.py'
model = dict(
    student=dict(
        data_preprocessor=dict(bgr_to_rgb=False),
        view_transform=dict(legacy_trunc=True, legacy_frustum=True),
        grid_backbone=dict(shortcut_norm=False),
        grid_neck=dict(align_corners=True),
    ),
    teacher_ckpt='work_dirs/teacher-bgr/epoch_24.pth',
)
