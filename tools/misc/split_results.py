#!/usr/bin/env python
"""Write the predictions of one pickle (tools/test.py --out of BEVDet, FlashOCC, MMDetection3D 0.x) as <token>.npz."""

import sys
from pathlib import Path

from tqdm import tqdm

from projects.cli import ToolParser, run_tool
from projects.fileio import atomic_write, file_below, restricted_load
from projects.occ_eval.infos import read_info_items
from projects.occ_eval.results import npz_bytes, read_results


def parse_args(argv=None):
    """Read the command line."""
    parser = ToolParser(
        description=__doc__,
        epilog='tools/eval_occ.py, compare.py, submission.py and view.py read the folder. Entries without a token '
        'belong to the samples of the info file in the order of time, as those code bases sort them. All of the pickle '
        'is in memory, 0.65 MB a sample. Exit code: 0 all are written, 1 something is wrong.',
    )
    parser.add_argument('results', help='the pickle: a list with one array (200, 200, 16) of class ids a sample')
    parser.add_argument('--infos', required=True, metavar='F.pkl', help='info file of the split that was predicted')
    parser.add_argument('--out-dir', type=Path, required=True, metavar='DIR', help='folder of the files; new or empty')
    return parser.parse_args(argv)


def main(argv=None):
    """Read all, then write all; exit code."""
    args = parse_args(argv)
    if args.out_dir.exists() and (not args.out_dir.is_dir() or any(args.out_dir.iterdir())):
        print(f'error: {args.out_dir} is not empty; give a new folder', file=sys.stderr)
        return 1
    try:
        predictions = read_results(args.results, read_info_items(restricted_load(args.infos), args.infos))
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    for token, ids in tqdm(predictions, 'writing', unit='frame'):
        with atomic_write(file_below(args.out_dir, token, '.npz')) as file:
            file.write(npz_bytes(ids))
    print(f'{len(predictions)} predictions are in {args.out_dir}')
    return 0


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
