default_scope = 'mmdet3d'
runner_type = 'SafeRunner'

# A child's list replaces this one: a config that imports a package of its own must name these as well.
custom_imports = dict(
    imports=[
        'projects.engine',
        'projects.occupancy',
        'projects.depth',
        'projects.distillation',
        'projects.radocc',
        'projects.renderocc',
        'projects.adudepth',
    ],
    allow_failed_imports=False,
)

# Hooks that every run needs stand here and not in custom_hooks: dicts merge with a child's, lists are replaced.
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='PredictionPictureHook'),
    deterministic=dict(type='DeterministicResumeHook'),
    finite=dict(type='FiniteTrainingHook'),
    teacher_record=dict(type='TeacherRecordHook'),
)
custom_hooks = []

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),  # gloo is used instead where there is no GPU
)
randomness = dict(seed=0)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
load_from = None  # parts that the file lacks: load_from_allow_missing = ['occ_head']
resume = False
