#!/usr/bin/env python
"""Write a student as an ONNX file for one calibration, and check it against PyTorch in ONNX Runtime."""

import json
import statistics
import time
from importlib.metadata import version
from pathlib import Path

import torch
from mmdet3d.registry import DATASETS
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate

from projects.cli import ToolParser, positive_number, run_tool
from projects.deploy import (
    compare,
    describe_inputs,
    describe_task,
    export_onnx,
    graph_of,
    open_session,
    operators_of,
    require_onnx,
    run_session,
)
from projects.deploy.onnx_graph import OPSET
from projects.engine import file_sha256, find_config, load_trained_model, read_config, sample_name
from projects.fileio import atomic_write


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=f'{__doc__} FlashOcc, BEVDet-Occ (without memory) and monocular depth; docs/export.md shows more. '
        'FILE.json, beside FILE.onnx, says what goes in and comes out.',
        epilog='example: python tools/deploy/export_onnx.py CONFIG CKPT --index 0 --out student.onnx',
    )
    parser.add_argument('config', help='config file, or the name of one in configs/')
    parser.add_argument('checkpoint', help='its checkpoint; that of a distillation gives the student')
    parser.add_argument('--out', type=Path, required=True, metavar='FILE.onnx', help='the file to write')
    sample = parser.add_mutually_exclusive_group()
    sample.add_argument('--token', help='sample (occupancy) or frame (depth) of the test set that has the calibration')
    sample.add_argument('--index', type=int, default=0, metavar='N', help='its place instead, from 0; default: 0')
    parser.add_argument('--data-root', help='root of the data set; default: that of the config')
    parser.add_argument(
        '--tolerance',
        type=positive_number,
        default=1e-4,
        metavar='T',
        help='for each output, the largest difference to PyTorch as a part of the largest value; default: %(default)s',
    )
    parser.add_argument('--no-check', action='store_true', help='do not run the file in ONNX Runtime')
    parser.add_argument('--time', type=int, metavar='N', help='print the median latency of N runs on this CPU')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args(argv)
    if args.out.suffix != '.onnx':
        parser.error(f'--out must end in .onnx, got {args.out}')
    if args.time is not None and (args.time < 1 or args.no_check):
        parser.error('--time needs at least 1 run, and no --no-check')
    return args


def load_sample(config, args):
    """The data set, and the sample that the command line names."""
    if args.data_root is not None:
        config.test_dataloader.dataset.data_root = args.data_root
    dataset = DATASETS.build(config.test_dataloader.dataset)
    index = args.index if args.token is None else dataset.index_of(args.token)
    if not 0 <= index < len(dataset):
        raise ValueError(f'there is no sample {index}: {dataset.ann_file} has {len(dataset)}, from 0')
    return dataset, dataset[index]


def check(content, model, inputs, name, tolerance):
    """Compare ONNX Runtime with the model itself, print each output, and stop where one is too far off.

    Returns:
        tuple[dict, InferenceSession]: What is written of the comparison, and the session.
    """
    session = open_session(content)
    outputs = run_session(session, inputs[name])
    with torch.no_grad():
        expected = model.predict_outputs(inputs)
    found = compare(outputs, expected)
    for output, parity in found.items():
        print(f'{output:12} differs by at most {parity.difference:.2e}, {parity.relative:.1e} of its largest value')
    wrong = [output for output, parity in found.items() if not parity.within(tolerance)]
    if wrong:
        raise ValueError(f'{" and ".join(wrong)} of ONNX Runtime differs by more than --tolerance {tolerance:g}')
    report = {key: {'difference': value.difference, 'largest': value.size} for key, value in found.items()}
    if 'occ_logits' in outputs:
        ids, ours = outputs['occ_logits'].argmax(-1), expected['occ_logits'].argmax(-1).numpy()
        report['occ_logits']['classes_that_differ'] = int((ids != ours).sum())
        print(f'{"classes":12} differ in {(ids != ours).sum()} of {ids.size} voxels')
    return report, session


def measure(run, count):
    """Median of the milliseconds of some runs, after one to warm up."""
    run()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times), 1)


def measure_both(session, model, inputs, name, count):
    """Median latency of ONNX Runtime and PyTorch, in milliseconds."""
    with torch.no_grad():
        latency = {
            'onnxruntime': measure(lambda: run_session(session, inputs[name]), count),
            'torch': measure(lambda: model.predict_outputs(inputs), count),
        }
    print(
        f'latency      ONNX Runtime {latency["onnxruntime"]} ms, torch {latency["torch"]} ms (median of {count}, '
        f'{torch.get_num_threads()} threads)'
    )
    return {**latency, 'runs': count, 'threads': torch.get_num_threads()}


def main():
    """Build, trace, check, write."""
    args = parse_args()
    require_onnx(('onnx',) if args.no_check else ('onnx', 'onnxruntime'))
    config = read_config(find_config(args.config), args.cfg_options)
    model = load_trained_model(config, args.checkpoint)
    dataset, sample = load_sample(config, args)
    inputs = model.data_preprocessor(pseudo_collate([sample]), False)['inputs']
    graph = graph_of(model, inputs)
    images = inputs[graph.INPUT]
    content = export_onnx(graph, images)
    operators = operators_of(content)
    print(f'{len(content) / 1e6:.1f} MB, {sum(operators.values())} operators of {len(operators)} kinds')
    report = {
        'model': type(model).__name__,
        'config': Path(args.config).name,
        'checkpoint_sha256': file_sha256(args.checkpoint),
        'sample': sample_name(sample['data_samples']),
        'opset': OPSET,
        'versions': {name: version(name) for name in ('torch', 'onnx')},
        **describe_inputs(graph, images, model.data_preprocessor),
        'outputs': list(graph.outputs),
        **describe_task(graph, inputs, dataset),
        'operators': operators,
    }
    if not args.no_check:
        report['versions']['onnxruntime'] = version('onnxruntime')
        report['tolerance'] = args.tolerance
        report['parity'], session = check(content, model, inputs, graph.INPUT, args.tolerance)
        if args.time:
            report['latency_ms'] = measure_both(session, model, inputs, graph.INPUT, args.time)
    with atomic_write(args.out) as file:
        file.write(content)
    with atomic_write(args.out.with_suffix('.json'), 'w') as file:
        json.dump(report, file, indent=1)
    print(f'wrote {args.out} and {args.out.with_suffix(".json")}')


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
