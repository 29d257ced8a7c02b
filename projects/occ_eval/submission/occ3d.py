"""Submissions to the Occ3D-nuScenes server (CVPR 2023 challenge).

A zip file with one folder of ``<sample_token>.npz``, each with one uint8 array ``arr_0`` of shape (200, 200, 16) and
class ids 0..17, for every frame of the test set. There is no file with meta information.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from projects.fileio import NpzBytes, list_names, open_archive, open_members, read_member, write_zip
from projects.occ_eval.classes import OCC3D_SHAPE
from projects.occ_eval.files import LARGEST_ARRAY, read_occ_prediction
from projects.occ_eval.grids import check_class_ids, check_not_openocc
from projects.occ_eval.layouts import find_occ_predictions
from projects.occ_eval.results import npz_bytes

from .tokens import read_tokens, read_tokens_and_scenes, token_problems

FOLDER = 'occ_submission'
_MAX_BYTES = 1 << 20  # a frame that is not compressed has 640 kB


def _check_official(data: bytes, name: str) -> None:
    """Check that the content of a file is what the server reads.

    Raises:
        ValueError: If it is not.
    """
    content = NpzBytes(data, name)
    keys = content.keys()
    if keys != ['arr_0']:
        raise ValueError(f"{name} must hold the array 'arr_0' alone, got {keys}")
    array = content.read(keys, max_bytes=LARGEST_ARRAY)['arr_0']
    check_not_openocc(array, 'arr_0', name)
    if array.shape != OCC3D_SHAPE:
        raise ValueError(f'arr_0 of {name} must have shape {OCC3D_SHAPE}, got {array.shape}')
    if array.dtype != np.uint8:
        raise ValueError(f'arr_0 of {name} must be uint8, got {array.dtype}')
    check_class_ids(array, f'arr_0 of {name}')


def pack_occ3d(
    pred_dir: str | os.PathLike,
    tokens: Sequence[str],
    out: str | os.PathLike,
    scenes: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Pack predictions.

    Files that already have the server's form are taken over byte by byte; others that can be read are written anew.

    Args:
        pred_dir (str or PathLike): Folder in a layout that :func:`find_occ_predictions` knows.
        tokens (Sequence[str]): Tokens of the test set.
        out (str or PathLike): The zip file.
        scenes (Mapping[str, Sequence[str]] | None): Tokens of each scene in order, for files that are named by the
            number of a frame. Defaults to None.

    Returns:
        list[str]: Everything that is wrong; nothing is written then.
    """
    try:
        paths, double = find_occ_predictions(pred_dir, tokens, scenes)
    except (OSError, ValueError) as error:
        return [str(error)]
    problems = [problem['error'] for problem in double] + token_problems(paths, tokens, 'predictions')
    for token in tqdm(tokens, 'checking', unit='frame'):
        if token in paths:
            try:
                read_occ_prediction(paths[token])
            except (OSError, ValueError) as error:
                problems.append(str(error))
    if not problems:
        write_zip(out, _members(paths, tokens), compress=False)
    return problems


def _members(paths: dict[str, str], tokens: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for token in tqdm(sorted(tokens), 'packing', unit='frame'):
        data = Path(paths[token]).read_bytes()
        try:
            _check_official(data, paths[token])
        except ValueError:
            data = npz_bytes(read_occ_prediction(paths[token]))
        yield f'{FOLDER}/{token}.npz', data


def check_occ3d(path: str | os.PathLike, tokens: Sequence[str]) -> list[str]:
    """Everything that is wrong with a submission, a zip file for the tokens of the test set."""
    try:
        archive = open_archive(path)
    except ValueError as error:
        return [str(error)]
    with archive:
        members, problems = open_members(archive, _MAX_BYTES)
        predictions = {name for name in members if name.endswith('.npz') and name.count('/') <= 1}
        stray = sorted(set(members) - predictions)
        if stray:
            problems.append(f'{len(stray)} files that are no predictions: {list_names(stray)}')
        folders = sorted({str(PurePosixPath(name).parent) for name in predictions})
        if len(folders) > 1:
            problems.append(f'predictions are in several folders: {list_names(folders)}')
        stems = [PurePosixPath(name).stem for name in sorted(predictions)]
        twice = sorted(stem for stem, count in Counter(stems).items() if count > 1)
        if twice:
            problems.append(f'several predictions of one token: {list_names(twice)}')
        problems += token_problems(stems, tokens, 'predictions')
        wanted = set(tokens)
        known = sorted(name for name in predictions if PurePosixPath(name).stem in wanted)
        for name in tqdm(known, 'checking', unit='frame'):
            try:
                _check_official(read_member(archive, members[name]), name)
            except ValueError as error:
                problems.append(str(error))
    return problems


def _pack(args: argparse.Namespace) -> list[str]:
    tokens, scenes = read_tokens_and_scenes(args.infos)
    return pack_occ3d(args.pred_dir, tokens, args.out, scenes)


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add ``pack`` and ``check`` to the command line."""
    pack = commands.add_parser('pack', help='pack predictions')
    pack.add_argument('pred_dir', help='predictions, in any layout that tools/eval_occ.py reads')
    pack.add_argument('--infos', required=True, metavar='F.pkl', help='info file of the test set')
    pack.add_argument('--out', required=True, metavar='Z.zip', help='file to write')
    pack.set_defaults(run=_pack)
    check = commands.add_parser('check', help='check a file before it is uploaded')
    check.add_argument('zip', help='the submission')
    check.add_argument('--infos', required=True, metavar='F.pkl', help='info file of the test set')
    check.set_defaults(run=lambda args: check_occ3d(args.zip, read_tokens(args.infos)))
