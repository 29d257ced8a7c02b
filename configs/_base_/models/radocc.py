# What RadOcc adds to a student and a teacher: the same random rays for both, rendering, RDC and RSC.
# Weights of the losses are defaults of this project, not from the paper (projects/radocc/README.md says why).
distillation = dict(
    shared=dict(
        rays=dict(
            type='CameraRaySampler',
            num_rays=2500,  # per sample; 80,000 per step on 8 GPUs with 4 samples each
            require_segments=True,  # rays are those of pixels of the segments: LoadImageSegments says how many
            # point_cloud_range and grid_size are those of the config's grid
            geometry=dict(type='RaySampleGeometry', t_range=(0.0, 57.4), step=0.2),
        )
    ),
    connectors=dict(rendered=dict(type='VolumeRenderingConnector')),
    connector_inputs=dict(rendered=dict(occ_logits='model.calibrated_logits', rays='shared.rays')),
    losses=dict(
        loss_rdc=dict(type='RayDistributionConsistencyLoss', loss_weight=1.0),
        loss_rsc=dict(type='RenderedSemanticConsistencyLoss', loss_weight=1.0),
        loss_rsc_kl=dict(type='RenderedSemanticKLLoss', loss_weight=1.0),
    ),
    loss_inputs=dict(
        loss_rdc=dict(student_weights='student.rendered.weights', teacher_weights='teacher.rendered.weights'),
        loss_rsc=dict(
            student_semantics='student.rendered.semantics',
            teacher_semantics='teacher.rendered.semantics',
            segment_ids='shared.rays.segment_ids',
            cam_ids='shared.rays.cam_ids',
            num_cams='shared.rays.num_cams',
            teacher_opacities='teacher.rendered.opacities',
        ),
        loss_rsc_kl=dict(
            student_semantics='student.rendered.semantics',
            teacher_semantics='teacher.rendered.semantics',
            teacher_opacities='teacher.rendered.opacities',
        ),
    ),
)
