"""The table of the sweep: tool x task x flags x what must come of it.

Rows run in order in one folder, so later rows find the checkpoints and files of earlier ones. ``{config}``,
``{distilled}`` and so on are the names in :data:`NAMES` of the row's task. What a row expects is a piece of the output,
and, after ``->``, a file that must be there.
"""

import re
from typing import NamedTuple

OCC, DEPTH = 'occupancy', 'depth'


class Row(NamedTuple):
    """One command of the sweep."""

    task: str
    tool: str
    arguments: str
    expects: str = ''
    code: int = 0

    @property
    def name(self):
        """Name of the test."""
        return re.sub(r'[^\w.=-]+', '_', f'{self.task}-{self.tool}-{self.arguments}')[:110]


NAMES = {
    OCC: {
        'config': 'occ.py',
        'teacher': 'occ_teacher.py',
        'distilled': 'radocc.py',
        'ckpt': 'run_occ/epoch_1.pth',
        'data': 'data/minidrive',
        'infos': 'data/minidrive/occ3d-nus_infos_val.pkl',
    },
    DEPTH: {
        'config': 'mono.py',
        'teacher': 'stereo.py',
        'distilled': 'adudepth.py',
        'ckpt': 'run_depth/epoch_1.pth',
        'data': 'data/minidrive-kitti',
        'infos': 'data/minidrive-kitti/kitti-depth_infos_val.pkl',
    },
}


def _both(tool, arguments, expects='', code=0):
    return [Row(task, tool, arguments.replace('{task}', short), expects.replace('{task}', short), code)
            for task, short in ((OCC, 'occ'), (DEPTH, 'depth'))]  # fmt: skip


_TRAIN, _TEST = 'tools/train.py', 'tools/test.py'
_BROWSE, _PRINT = 'tools/misc/browse_dataset.py', 'tools/misc/print_config.py'
_INIT, _EXTRACT = 'tools/model_converters/init_weights.py', 'tools/model_converters/extract_student.py'
_INFER, _SEGMENTS = 'tools/infer.py', 'tools/extract_segments.py'
_PUBLISH, _BENCH = 'tools/model_converters/publish_model.py', 'tools/analysis_tools/benchmark.py'
_PLAN = 'tools/analysis_tools/plan.py'

ROWS = [
    # data
    Row(OCC, 'tools/create_minidrive.py', 'data/minidrive --preset tiny --seed 0 --workers 2', '6 scenes'),
    Row(OCC, 'tools/create_minidrive.py', 'data/minidrive --preset tiny --verify', 'every file verified'),
    Row(OCC, 'tools/create_minidrive.py', 'data/minidrive --format kitti --preset tiny', 'data/minidrive', 1),
    Row(
        OCC,
        'tools/create_minidrive.py',
        'data/minidrive --preset tiny --labels aggregated --labels-dir gts_spoilt --wrong-points 0.05 --box-offset 0.2 '
        '--workers 1',
        '12 aggregated labels',
    ),
    Row(OCC, 'tools/create_minidrive.py', 'x --wrong-points 0.05', '--wrong-points needs --labels aggregated', 2),
    Row(OCC, 'tools/create_minidrive.py', 'x --labels aggregated --box-offset -1', 'at least 0 metres, got -1.0', 2),
    Row(DEPTH, 'tools/create_minidrive.py', 'x --format kitti --preset tiny --labels aggregated', 'needs --format', 2),
    Row(DEPTH, 'tools/create_minidrive.py', 'data/minidrive-kitti --format kitti --preset tiny --seed 0 --workers 2'),
    Row(DEPTH, 'tools/create_minidrive.py', 'data/minidrive-kitti --format kitti --preset tiny --verify', 'verified'),
    Row(DEPTH, 'tools/create_minidrive.py', 'mono.py --preset tiny --traceback', 'mono.py', 1),
    Row(
        OCC,
        'tools/create_data.py',
        'occ3d-nus --root-path {data} --version v1.0-minidrive --workers 1 --max-sweeps 4',
        '->{infos}',
    ),
    Row(OCC, 'tools/create_data.py', 'occ3d-nus --root-path {data} --version v1.0-minidrive --max-sweeps 4', 'kept'),
    Row(
        OCC,
        'tools/create_data.py',
        'occ3d-nus --root-path {data} --version v1.0-minidrive --out-dir infos --extra-tag mine --force '
        '--allow-missing',
        '->infos/mine_infos_val.pkl',
    ),
    Row(OCC, 'tools/create_data.py', 'occ3d-nus --root-path nowhere --traceback', 'folder not found: nowhere', 1),
    Row(DEPTH, 'tools/create_data.py', 'kitti-depth --root-path {data} --split auto', '->{infos}'),
    Row(
        DEPTH,
        'tools/create_data.py',
        'kitti-depth --root-path {data} --split minidrive --out-dir infos --allow-missing --no-pair-check',
        '->infos/kitti-depth_infos_val.pkl',
    ),
    Row(
        DEPTH,
        'tools/create_data.py',
        'kitti-depth --root-path {data} --out-dir infos2 --pairs-only',
        '->infos2/kitti-depth_infos_val.pkl',
    ),
    Row(DEPTH, 'tools/create_data.py', 'kitti-depth --root-path nowhere --traceback', 'nowhere', 1),
    Row(
        DEPTH,
        'tools/create_data.py',
        'drivingstereo --root-path {data} --resolution half --weather sunny --pairs-only --out-dir infos '
        '--allow-missing --traceback',
        'holds no frame of DrivingStereo',
        1,
    ),
    # image segments
    Row(
        OCC,
        _SEGMENTS,
        'slic --infos {infos} --data-root {data} --out-dir {data}/segments_slic --n-segments 40 --compactness 5 '
        '--sigma 0.5 --shrink 4 --workers 2',
        'images have their segments->{data}/segments_slic/extract_segments.json',
    ),
    Row(
        OCC,
        _SEGMENTS,
        'slic --infos {infos} --out-dir {data}/segments_slic --shard 1/2 --check',
        ' 0 without segments, 0',
    ),
    Row(OCC, _SEGMENTS, 'slic --infos {infos} --out-dir {data}/segments_slic', 'that were made with', 1),
    Row(OCC, _SEGMENTS, 'slic --infos {infos} --out-dir {data}/segments', 'that this tool did not make', 1),
    Row(OCC, _SEGMENTS, 'slic --images none --out-dir x --traceback', 'file below none', 1),
    Row(
        OCC,
        _SEGMENTS,
        'felzenszwalb --images {data}/samples/CAM_BACK --out-dir graphs --scale 100 --sigma 0.5 --min-size 50 '
        '--shrink 4 --workers 1 --shard 0/1',
        '->graphs',
    ),
    Row(
        OCC,
        _SEGMENTS,
        'felzenszwalb --infos {infos} --data-root {data} --out-dir graphs --check',
        'without segments',
        1,
    ),
    Row(
        OCC,
        _SEGMENTS,
        'sam --images {data}/samples/CAM_BACK --out-dir masks --checkpoint none --device cpu --points-per-side 8 '
        '--points-per-batch 16 --min-iou 0.8 --min-stability 0.9 --nms-iou 0.6 --workers 1',
        'config.json and model.safetensors not found in none',
        1,
    ),
    Row(
        OCC,
        _SEGMENTS,
        'sam --infos {infos} --data-root {data} --out-dir masks --shard 1/3 --check',
        'without segments',
        1,
    ),
    Row(OCC, _SEGMENTS, 'sam --infos {infos} --out-dir masks', 'sam needs --checkpoint', 2),
    # configs and weights
    *_both(_PRINT, '{config} --cfg-options train_cfg.max_epochs=9', 'max_epochs=9'),
    *_both(_PRINT, '{distilled} --save-path printed_{task}.py', '->printed_{task}.py'),
    *_both(_PRINT, 'printed_{task}.py --traceback', 'Distiller'),
    *_both(_PRINT, '{config} --cfg-options max_epochs=9', 'set train_cfg.max_epochs', 1),
    *_both(_INIT, '{config} init_{task}.pth --seed 3', '->init_{task}.pth'),
    *_both(_INIT, '{config} x.pth --cfg-options model.nonsense=1', 'unknown config key model.nonsense', 1),
    *_both(_INIT, 'configs/none.py x.pth --traceback', 'config not found', 1),
    *_both(_BROWSE, '{config} --output-dir vis_{task} --num 1 --split train --width 600', '->vis_{task}'),
    *_both(_BROWSE, '{distilled} --output-dir vis2_{task} --num 1 --split val', '->vis2_{task}'),
    *_both(
        _BROWSE,
        '{teacher} --output-dir vis3_{task} --num 1 --split test --cfg-options test_dataloader.dataset.indices=1',
        '->vis3_{task}',
    ),
    Row(OCC, _BROWSE, '{config} --output-dir vis4 --num 1 --no-lidar', '->vis4'),
    *_both(_BROWSE, 'none.py --output-dir vis --traceback', 'config not found', 1),
    # training
    *_both(_TRAIN, '{config} --work-dir run_{task}', '->{ckpt}'),
    *_both(
        _TRAIN,
        '{teacher} --work-dir teacher_{task} --amp --sync_bn torch --auto-scale-lr --launcher none',
        '->teacher_{task}/epoch_1.pth',
    ),
    *_both(
        _TRAIN,
        '{config} --work-dir run_{task} --resume --cfg-options train_cfg.max_epochs=2 train_dataloader.num_workers=1',
        'resumed epoch: 1',
    ),
    *_both(
        _TRAIN,
        '{config} --work-dir other_{task} --sync-bn none --resume {ckpt} --cfg-options train_cfg.max_epochs=2',
        '->other_{task}/epoch_2.pth',
    ),
    *_both(_TRAIN, '{distilled} --work-dir distilled_{task}', '->distilled_{task}/epoch_1.pth'),
    *_both(_TRAIN, '{config} --cfg-options data_root=/nonexistent', 'set train_dataloader.dataset.data_root', 1),
    *_both(
        _TRAIN,
        '{config} --work-dir x --cfg-options train_dataloader.dataset.data_root=/nonexistent',
        'data root not found: /nonexistent',
        1,
    ),
    *_both(
        _TRAIN, '{config} --work-dir x --cfg-options train_dataloader.batch_size=64', 'less than one batch of 64', 1
    ),
    *_both(_TRAIN, 'none.py --traceback', 'config not found', 1),
    # testing
    *_both(_TEST, '{config} {ckpt} --work-dir test_{task} --launcher none', '->test_{task}'),
    *_both(_TEST, '{config} {ckpt} --work-dir test_{task} --show-dir pictures_{task}', '->pictures_{task}'),
    *_both(_TEST, '{config} {ckpt} --work-dir test_{task} --show --wait-time 1', '--show-dir', 1),
    *_both(_TEST, '{distilled} distilled_{task}/epoch_1.pth --work-dir test_{task}', '->test_{task}'),
    *_both(_TEST, '{config} distilled_{task}/epoch_1.pth --work-dir test_{task}', 'extract_student.py', 1),
    *_both(_TEST, '{config} none.pth --work-dir test_{task} --traceback', 'none.pth', 1),
    *_both(
        _TEST,
        '{config} {ckpt} --work-dir test_{task} --cfg-options test_evaluator.submission_dir=maps_{task}',
        '->maps_{task}',
    ),
    Row(OCC, _TEST, 'occ_tta.py {ckpt} --work-dir test_occ --tta', '->test_occ'),
    Row(DEPTH, _TEST, '{config} {ckpt} --work-dir test_depth --tta', 'needs tta_model and tta_pipeline', 1),
    # a trained model on samples and on images
    *_both(
        _INFER,
        '{config} {ckpt} --index 0 --out-dir infer_{task} --device cpu --data-root {data} --batch-size 2 --cfg-options '
        'test_dataloader.dataset.indices=2',
        '->infer_{task}/preds',
    ),
    *_both(_INFER, '{distilled} distilled_{task}/epoch_1.pth --index 0 --out-dir infer2_{task}', '->infer2_{task}/vis'),
    *_both(_INFER, '{config} {ckpt} --index 0 --show', 'show=True cannot open a window', 1),
    *_both(_INFER, '{config} {ckpt} --token abc --out-dir x --traceback', 'abc is not in', 1),
    Row(OCC, _INFER, '{config} {ckpt} --index 0 --out-dir infer3 --probabilities --render-height 9', '->infer3/views'),
    Row(OCC, _INFER, '{config} {ckpt} --images none --calib none.json --out-dir x', 'folder not found: none', 1),
    Row(OCC, _INFER, '{config} {ckpt} --image x --intrinsics 1 1 1 1 --out-dir x', 'which predicts occupancy', 1),
    Row(
        DEPTH,
        _INFER,
        '{config} {ckpt} --image none.png --intrinsics 1 1 1 1 --right-image none.png --baseline 1 --out-dir x',
        "must have ['image', 'intrinsics']",
        1,
    ),
    # checkpoints
    *_both(_EXTRACT, 'distilled_{task}/epoch_1.pth student_{task}.pth', '->student_{task}.pth'),
    *_both(_EXTRACT, 'distilled_{task}/epoch_1.pth student2_{task}.pth --raw', '->student2_{task}.pth'),
    *_both(_EXTRACT, '{ckpt} student3_{task}.pth --traceback', "no weights that begin with 'student.'", 1),
    *_both(_TEST, '{config} student_{task}.pth --work-dir test_{task}', '->test_{task}'),
    *_both(_PUBLISH, '{ckpt} published_{task}.pth', 'published_{task}-'),
    *_both(_PUBLISH, 'none.pth x.pth --traceback', 'none.pth', 1),
    *_both(
        _BENCH,
        '{config} --checkpoint {ckpt} --num-iters 1 --num-warmup 0 --device cpu --json bench_{task}.json',
        '->bench_{task}.json',
    ),
    *_both(
        _BENCH,
        '{distilled} --num-iters 1 --num-warmup 0 --bf16 --cfg-options test_dataloader.dataset.indices=1',
        'frames per second',
    ),
    *_both(_BENCH, '{config} --device cuda:99 --traceback', '--device cuda:99 cannot be used', 2),
    *_both(_PLAN, '{distilled} --gpus 2 --tflops 100 --utilisation 0.5 --samples 50', '50% of 100 TFLOP/s'),
    *_both(_PLAN, '{config} --gpus 0 --traceback', 'must be at least 1', 2),
    # files without a model
    Row(OCC, 'tools/eval_occ.py', '{data}/gts maps_occ --infos one.pkl --metrics miou fscore rayiou --mask camera'),
    Row(
        OCC,
        'tools/eval_occ.py',
        '{data}/gts maps_occ --infos one.pkl --workers 1 --strict --json occ.json --nan-policy label --f-threshold 0.8 '
        '--f-official --metrics miou fscore',
        '->occ.json',
    ),
    Row(
        OCC, 'tools/eval_occ.py', '{data}/gts maps_occ --origins none.json --metrics rayiou --traceback', 'none.json', 2
    ),
    Row(
        OCC,
        'tools/view.py',
        'maps_occ --config {config} --index 0 --split test --data-root {data} --mask camera --names student '
        '--image-width 80 --title Title --out view.html',
        '->view.html',
    ),
    Row(OCC, 'tools/view.py', '--config {config} --scene none --out x.html --traceback', 'no scene none', 1),
    Row(OCC, 'tools/view.py', '--config {config} --token abc --out x.html', 'abc is not in', 1),
    Row(OCC, 'tools/view.py', 'maps_occ --label none.npz --out x.html', 'none.npz', 1),
    Row(DEPTH, 'tools/view.py', '--config {config} --index 0 --out x.html', 'is no config of occupancy', 1),
    Row(OCC, 'tools/submission.py', 'occ3d pack maps_occ --infos one.pkl --out occ.zip', '->occ.zip'),
    Row(OCC, 'tools/submission.py', 'occ3d check occ.zip --infos one.pkl', 'nothing is wrong'),
    Row(OCC, 'tools/submission.py', 'occ3d check none.zip --infos one.pkl --traceback', 'none.zip', 1),
    Row(OCC, 'tools/eval_lidarseg.py', '{data}/lidarseg/v1.0-minidrive {data}/lidarseg/v1.0-minidrive', '', 1),
    Row(
        OCC, 'tools/eval_lidarseg.py', 'seg_gt seg_pred --label-ids auto --workers 1 --strict --json s.json', '->s.json'
    ),
    Row(OCC, 'tools/eval_lidarseg.py', 'seg_gt seg_pred --infos none.pkl --traceback', 'none.pkl', 2),
    Row(
        OCC,
        'tools/submission.py',
        'lidarseg pack seg_pred --infos one.pkl --out s.zip --split val --data-root {data} --meta use_lidar=true',
        '->s.zip',
    ),
    Row(OCC, 'tools/submission.py', 'lidarseg check s.zip --infos one.pkl --split val', 'nothing is wrong'),
    Row(
        OCC,
        'tools/submission.py',
        'lidarseg check s.zip --infos one.pkl --data-root none --split val --traceback',
        '',
        1,
    ),
    Row(DEPTH, 'tools/eval_depth.py', 'eigen {data} maps_depth --infos one_depth.pkl --crop garg --cap 80 --workers 1'),
    Row(
        DEPTH,
        'tools/eval_depth.py',
        'kitti {data} maps_depth --infos one_depth.pkl --workers 1 --json d.json',
        '->d.json',
    ),
    Row(
        DEPTH, 'tools/eval_depth.py', 'eigen {data} maps_depth --infos one_depth.pkl --kb-crop --json e.json', '352', 1
    ),
    Row(DEPTH, 'tools/eval_depth.py', 'kitti none maps_depth --traceback', 'none', 1),
    Row(DEPTH, 'tools/submission.py', 'kitti-depth pack maps_depth --out d.zip', '', 1),
    Row(DEPTH, 'tools/submission.py', 'kitti-depth check none.zip --traceback', 'none.zip', 1),
]

COMMANDS = {
    'tools/create_minidrive.py': ['']  ,
    'tools/create_data.py': ['occ3d-nus', 'kitti-depth', 'drivingstereo'],
    'tools/extract_segments.py': ['sam', 'slic', 'felzenszwalb'],
    'tools/train.py': [''],
    'tools/test.py': [''],
    'tools/infer.py': [''],
    'tools/misc/browse_dataset.py': [''],
    'tools/misc/print_config.py': [''],
    'tools/model_converters/init_weights.py': [''],
    'tools/model_converters/extract_student.py': [''],
    'tools/model_converters/publish_model.py': [''],
    'tools/analysis_tools/benchmark.py': [''],
    'tools/analysis_tools/plan.py': [''],
    'tools/eval_occ.py': [''],
    'tools/view.py': [''],
    'tools/eval_lidarseg.py': [''],
    'tools/eval_depth.py': ['eigen', 'kitti'],
    'tools/submission.py': [
        'occ3d pack', 'occ3d check', 'lidarseg pack', 'lidarseg check', 'kitti-depth pack', 'kitti-depth check'
    ],
}  # fmt: skip
"""Commands of each tool; their flags are read from their help."""

ELSEWHERE = {
    'tools/demo.py': 'make demo PRESET=tiny of continuous integration, test_demo.py',
    'tools/demo_depth.py': 'make demo-depth PRESET=tiny of continuous integration, test_demo_depth.py',
    'tools/analysis_tools/study.py': 'make study of continuous integration, test_studies/test_ablation.py',
    'tools/analysis_tools/radocc_report.py': 'the last step of make demo',
    'tools/analysis_tools/adudepth_report.py': 'the last step of make demo-depth',
    'tools/analysis_tools/benchmark_ops.py': 'make bench of continuous integration, test_benchmark_ops.py',
    'tools/compare.py': 'tests/test_tools/test_compare.py',
    'tools/model_converters/convert_weights.py': 'tests/test_tools/test_convert_weights.py',
    'tools/deploy/export_onnx.py': 'tests/test_tools/test_export_onnx.py, where the packages of the extra onnx are',
    'tools/misc/split_results.py': 'tests/test_tools/test_split_results.py',
    'tools/misc/compile_kernels.py': 'make install, tests/test_tools/test_compile_kernels.py',
    'tools/mmcv_wheel/check.py': 'make install, tests/test_tools/test_mmcv_wheel.py',
}
"""Tools that the sweep leaves to others."""

ONE_TASK = {
    ('tools/misc/browse_dataset.py', '--no-lidar'): OCC,
    **{(_INFER, flag): OCC for flag in ('--images', '--calib', '--probabilities', '--render-height')},
    **{(_INFER, flag): DEPTH for flag in ('--image', '--intrinsics', '--right-image', '--baseline')},
}
"""Flags of tools for both tasks that mean something to one."""

BOTH_TASKS = (_TRAIN, _TEST, _INFER, _BROWSE, _PRINT, _INIT, _EXTRACT, _PUBLISH, _BENCH, _PLAN)
