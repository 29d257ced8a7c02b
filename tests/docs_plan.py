"""How the commands of the documentation are run at small size: what is replaced, and what is not run and why."""

import re

OCCUPANCY, DEPTH = 'occupancy', 'depth'

# (what stands in the documentation, what is run in its place); applied in order.
SUBSTITUTIONS = (
    # full-size configs: their counterparts on MiniDrive
    (r'bevfusion-r50_flashocc-r50_8xb4-24e_occ3d-nus', 'bevfusion-mini_flashocc-mini_1xb1-4e_minidrive'),
    (r'stereo-(r50|swin-l)_mono-(r50|swin-l)_8xb1-50e_kitti-eigen', 'stereo-mini_mono-mini_1xb4-12e_minidrive'),
    (r'(bevdet-occ|bevfusion-occ|flashocc)_r50_8xb4-24e_occ3d-nus', r'\1_mini_1xb1-7e_minidrive'),
    (r'(bev|tpv)former-occ_r50_8xb1-24e_occ3d-nus', r'\1former-occ_lite0_1xb1-6e_minidrive'),
    (r'renderocc_flashocc-r50_8xb4-24e_occ3d-nus', 'renderocc_flashocc-lite0_1xb1-6e_minidrive'),
    (r'sparse-occ_(flashocc|bevfusion)-r50_8xb4-24e_nus-lidarseg', r'sparse-occ_\1-lite0_1xb1-6e_minidrive'),
    (r'bevfusion-r50_flashocc-r50_8xb4-24e_nus-lidarseg', 'bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive'),
    (r'lidar-occ_pillar_8xb4-24e_occ3d-nus', 'lidar-occ_mini_1xb1-7e_minidrive'),
    (r'mono-depth_(r50|swin-l)_8xb1-50e_kitti-(eigen|official)', 'mono-depth_mini_1xb4-12e_minidrive'),
    (r'stereo-depth_(r50|swin-l)_8xb1-50e_kitti-eigen', 'stereo-depth_mini_1xb4-6e_minidrive'),
    # data sets: MiniDrive of the smallest size, which has no test split
    (r'data/nuscenes', 'data/minidrive'),
    (r'data/kitti\b', 'data/minidrive-kitti'),
    (r'v1\.0-(trainval|test)', 'v1.0-minidrive'),
    (r'occ3d-nus_infos_test', 'occ3d-nus_infos_val'),
    (r'kitti-depth-(official_infos_test|eigen_infos_val)', 'kitti-depth_infos_val'),
    (r'(create_minidrive\.py .*)$', r'\1 --preset tiny'),
    (r' --kb-crop', ''),  # larger than the images
    # size of the run: one epoch, and the tool itself in place of a launcher of one or eight (a launcher of two stays)
    (r'epoch_\d+', 'epoch_1'),
    (r'bash tools/dist_train\.sh (\S+) [18]', r'python tools/train.py \1'),
    (r'bash tools/dist_test\.sh (\S+ \S+) 8', r'python tools/test.py \1'),
    (r'--num-iters \d+', '--num-iters 2'),
    (r'(benchmark\.py \S+)$', r'\1 --num-iters 2'),
    (r'--num 20', '--num 2'),
    (r'--workers 16', '--workers 1'),
    (r'(browse_dataset\.py \S+ --output-dir \S+)$', r'\1 --num 2'),
)
_FLASHOCC = 'flashocc_mini_1xb1-7e_minidrive'
_RADOCC = 'work_dirs/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive/epoch_1.pth'
_MONO = 'mono-depth_mini_1xb4-12e_minidrive'
# Words in capitals that a reader replaces.
PLACEHOLDERS = {
    OCCUPANCY: {
        'CONFIG_tta.py': f'configs/flashocc/{_FLASHOCC}_tta.py',
        'CONFIG': f'configs/flashocc/{_FLASHOCC}.py',
        'CKPT': f'work_dirs/{_FLASHOCC}/epoch_1.pth',
        'IN OUT': f'{_RADOCC} student.pth',
        'F.pkl': 'data/minidrive/occ3d-nus_infos_val.pkl',
    },
    DEPTH: {
        'CONFIG': f'configs/mono_depth/{_MONO}.py',
        'CHECKPOINT': f'work_dirs/{_MONO}/epoch_1.pth',
        'GT_DIR PRED_DIR': 'data/minidrive-kitti/depth/val data/minidrive-kitti/depth/val',  # a perfect prediction
    },
}
# The same in the copies of the configs.
SMALL_CONFIGS = (
    (r'max_epochs=\d+', 'max_epochs=1'),
    (r'val_interval=\d+', 'val_interval=1'),
    (r'batch_size=4', 'batch_size=2'),
    (r'epoch_\d+\.pth', 'epoch_1.pth'),
    (r'crop_size = \(160, 448\)', 'crop_size = (96, 320)'),  # the smallest images are 128 x 416
)
# Frames that stay in the info files of the smallest data sets: one batch, and two where the first step of a
# distillation has the weight zero.
FRAMES = {
    'occ3d-nus_infos_train.pkl': 4,
    'occ3d-nus_infos_val.pkl': 1,
    'kitti-depth_infos_train.pkl': 2,
    'kitti-depth_infos_val.pkl': 1,
}
# What a page takes for granted, run before it: predictions to score.
BEFORE = {
    'docs/evaluation.md': (f'python tools/test.py configs/evaluation_md.py work_dirs/{_FLASHOCC}/epoch_1.pth',),
}
# (command, why it is not run); each is parsed by its tool or looked up in the Makefile all the same.
NOT_RUN = (
    (r'make (demo|demo-depth|study|test|install|lint|bench|docs)\b.*', 'continuous integration runs it (.ci/run)'),
    (r'source \.venv/bin/activate', 'the tests run in the environment'),
    (r'bash tools/install\.sh', 'tests/test_tools/test_install.py runs it with a stand-in for pip'),
    (r'bash tools/mmcv_wheel/install\.sh( .*)?', 'make install of continuous integration runs it'),
    (r'python tools/misc/compile_kernels\.py', 'make install of continuous integration runs it'),
    (r'\.venv/bin/pre-commit install', 'it would change the hooks of the checkout'),
    (
        r'python tools/model_converters/convert_weights\.py .*',
        'released files are no part of this repository; tests/test_tools/test_convert_weights.py runs it',
    ),
    (r'bash tools/dist_train\.sh \S+-legacy_.*', 'starts from a released file'),
    (r'export .*', 'variables of the launchers; tests/test_tools/test_scale.py sets them'),
    (r'bash tools/slurm_train\.sh .*', 'tests/test_tools/test_scale.py runs it under a stand-in for srun'),
    (r'bash tools/dist_train\.sh CONFIG 2 .*accumulative.*', 'tests/test_tools/test_scale.py runs it'),
    (r'bash tools/dist_train\.sh .*teacher-bgr.*', 'the command of the teacher with one option more'),
    (r'python tools/analysis_tools/benchmark_ops\.py .*', 'make bench of continuous integration runs it'),
    (r'python tools/submission\.py \{.*', 'a list of subcommands; the pages it links to show them in full'),
    (r'python tools/create_data\.py kitti-depth .*--split .*', 'the split lists name frames of the real KITTI'),
    (r'python tools/create_data\.py drivingstereo .*', 'there is no small DrivingStereo'),
    (r'python tools/infer\.py .* --images? .*', 'tests/test_tools/test_infer.py runs it on images of MiniDrive'),
    (
        r'python tools/deploy/export_onnx\.py .*',
        'optional packages; tests/test_tools/test_export_onnx.py runs it',
    ),
    (r'python tools/extract_segments\.py \{.*', 'a list of subcommands; docs/nuscenes.md shows them in full'),
    (r'python tools/extract_segments\.py sam .*', 'weights of SAM; tests/test_segments/test_sam.py runs random ones'),
    (r'trtexec .*', 'TensorRT is not at hand'),
    (r'python tools/compare\.py .*', 'tests/test_tools/test_compare.py runs it'),
    (r'python tools/misc/split_results\.py .*', 'tests/test_tools/test_split_results.py runs it'),
    (r'python tools/view\.py PRED\.npz .*', 'tests/test_tools/test_view.py runs it on files'),
    (r'python tools/submission\.py kitti-depth .*', 'an archive holds the 500 maps of the real test set'),
)
# Python blocks that are no files of their own: where they are run.
FRAGMENTS = {
    ('docs/evaluation.md', 'test_evaluator = ['): 'tests/test_docs/test_docs_occupancy.py::evaluation_md',
    ('docs/inference.md', 'from projects.occupancy import OccInferencer'): (
        'tests/test_occupancy/test_occ_inferencer.py::test_the_blocks_of_the_page_run'
    ),
    ('docs/inference.md', "images = {'CAM_FRONT': 'front.jpg', 'CAM_BACK': 'back.jpg'}"): (
        'tests/test_occupancy/test_occ_inferencer.py::test_the_blocks_of_the_page_run'
    ),
    ('docs/inference.md', 'from projects.depth import DepthInferencer'): (
        'tests/test_depth/test_depth_inferencer.py::test_the_block_of_the_page_runs'
    ),
    ('docs/nuscenes.md', "load_from = 'work_dirs/detector.pth'"): (
        'tests/test_engine/test_weights.py::test_training_starts_from_a_part_only_when_the_rest_is_named'
    ),
    ('docs/own_data.md', 'from mmdet3d.registry import DATASETS'): 'tests/test_occupancy/test_own_data.py::own_data',
    ('docs/own_data.md', "_base_ = '../flashocc/flashocc_mini_1xb1-7e_minidrive.py'"): (
        'tests/test_occupancy/test_own_data.py::own_data'
    ),
    ('docs/own_data.md', "_base_ = '../bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive.py'"): (
        'tests/test_occupancy/test_own_data.py::own_data'
    ),
    (
        'docs/own_data.md',
        "_base_ = ['./flashocc_my_data.py', '../_base_/models/bevfusion-occ_mini.py', '../_base_/models/radocc.py']",
    ): 'tests/test_occupancy/test_own_data.py::own_data',
    (
        'docs/scale.md',
        "custom_hooks = [dict(type='EMAHook', momentum=1e-3, update_buffers=True, priority='ABOVE_NORMAL')]",
    ): 'tests/test_tools/test_scale.py::test_checkpoint_holds_the_average_of_the_weights',
    (
        'docs/scale.md',
        "visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend'), "
        "dict(type='TensorboardVisBackend')])",
    ): 'tests/test_tools/test_scale.py::test_tensorboard_gets_the_losses',
    (
        'docs/scale.md',
        "backends = [dict(type='LocalVisBackend'), dict(type='WandbVisBackend', "
        "init_kwargs=dict(project='geodistill3d'))]",
    ): 'tests/test_tools/test_scale.py::test_backend_of_wandb_is_built_without_its_package',
    ('docs/viewer.md', 'import numpy as np'): 'tests/test_reporting/test_viewer.py::test_the_block_of_the_page_runs',
    ('projects/radocc/README.md', 'model = dict('): 'tests/test_radocc/test_distillation_step.py::readme_model',
    ('projects/rendering/README.md', 'grid = VoxelGrid([-40, -40, -1, 40, 40, 5.4], [200, 200, 16])'): (
        'tests/test_docs/test_docs_static.py::test_example_of_the_renderer_runs'
    ),
}
# Blocks that are no code.
NO_CODE = (
    ('CONTRIBUTING.md', 'cli, compute, fileio, geometry ->', 'the order of imports; tests/test_layering.py holds it'),
    ('docs/inference.md', '{\n  "CAM_FRONT": {', 'a calibration; test_the_blocks_of_the_page_run reads it'),
    ('docs/kitti.md', 'data/kitti/', 'a tree of folders'),
    ('docs/kitti.md', 'data/drivingstereo/', 'a tree of folders'),
    ('docs/nuscenes.md', 'data/nuscenes/', 'a tree of folders'),
)


def why_not_run(command):
    """The reason why a command is not run, None when it is run."""
    return next((why for pattern, why in NOT_RUN if re.fullmatch(pattern, command)), None)


def task_of(page, command):
    """'occupancy' or 'depth'."""
    return DEPTH if 'depth' in f'{page} {command}' or 'kitti' in f'{page} {command}' else OCCUPANCY


def small(page, command):
    """The command that is run in place of one of the documentation."""
    for word, value in PLACEHOLDERS[task_of(page, command)].items():
        command = re.sub(rf'(?<![\w./]){re.escape(word)}(?![\w.])', value, command)
    for pattern, replacement in SUBSTITUTIONS:
        command = re.sub(pattern, replacement, command)
    return command
