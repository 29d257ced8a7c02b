"""Submissions to the nuScenes lidarseg server.

A zip file with ``lidarseg/<split>/<sample_data_token>_lidarseg.bin`` (one uint8 per point, ids 1..16) for every key
scan and ``<split>/submission.json``, which says what the method used.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from projects.fileio import list_names, open_archive, open_members, parse_json, read_json, read_member, write_zip
from projects.occ_eval.files import LIDARSEG_SUFFIX, find_lidarseg, read_lidarseg
from projects.occ_eval.lidarseg import length_problem

from .tokens import Scan, read_scans, token_problems

META_KEYS = ('use_camera', 'use_lidar', 'use_radar', 'use_map', 'use_external')
_MAX_BYTES = 1 << 24


def meta_problems(meta: Any) -> list[str]:
    """What is wrong with the meta information: its keys must be the five of nuScenes and its values bool."""
    if not isinstance(meta, Mapping):
        return [f'meta must be an object with {list(META_KEYS)}, got {type(meta).__name__}']
    problems = [f'meta lacks {key!r}' for key in META_KEYS if key not in meta]
    problems += [f'meta has the unknown key {key!r}' for key in meta if key not in META_KEYS]
    for key in META_KEYS:
        if key in meta and not isinstance(meta[key], bool):
            problems.append(f'meta {key!r} must be true or false, got {meta[key]!r}')
    return problems


def label_problem(labels: np.ndarray, name: str, points: int | None) -> str | None:
    """What is wrong with the labels of a scan, or None."""
    problem = None if points is None else length_problem(name, len(labels), points)
    if problem:
        return problem
    if not len(labels):
        return f'{name} is empty'
    if not 1 <= int(labels.min()) <= int(labels.max()) <= 16:
        return f'{name} holds ids {int(labels.min())}..{int(labels.max())}, expected 1..16'
    return None


def pack_lidarseg(
    pred_dir: str | os.PathLike, scans: Sequence[Scan], meta: Mapping[str, bool], out: str | os.PathLike, split: str
) -> list[str]:
    """Pack predictions.

    Args:
        pred_dir (str or PathLike): Folder with ``<sample_data_token>_lidarseg.bin``.
        scans (Sequence[Scan]): Key scans of the split.
        meta (Mapping[str, bool]): What was used; keys ``use_camera``, ``use_lidar``, ``use_radar``, ``use_map``,
            ``use_external``.
        out (str or PathLike): The zip file.
        split (str): 'test', or another split for a rehearsal.

    Returns:
        list[str]: Everything that is wrong; nothing is written then.
    """
    problems = meta_problems(meta)
    try:
        paths = find_lidarseg(pred_dir)
    except OSError as error:
        return [*problems, str(error)]
    problems += token_problems(paths, [scan.token for scan in scans], 'predictions')
    for scan in tqdm(scans, 'checking', unit='scan'):
        if scan.token in paths:
            try:
                problem = label_problem(read_lidarseg(paths[scan.token]), paths[scan.token], scan.points)
            except (OSError, ValueError) as error:
                problem = str(error)
            problems += [problem] if problem else []
    if not problems:
        header = (f'{split}/submission.json', json.dumps({'meta': dict(meta)}, indent=1).encode())
        files = ((f'lidarseg/{split}/{Path(paths[token]).name}', Path(paths[token]).read_bytes()) for token in paths)
        write_zip(out, (member for part in ([header], files) for member in part), compress=True)
    return problems


def check_lidarseg(path: str | os.PathLike, scans: Sequence[Scan], split: str) -> list[str]:
    """Everything that is wrong with a submission, a zip file for the key scans of a split, 'test' or another."""
    try:
        archive = open_archive(path)
    except ValueError as error:
        return [str(error)]
    with archive:
        members, problems = open_members(archive, _MAX_BYTES)
        prefix, header = f'lidarseg/{split}/', f'{split}/submission.json'
        predictions = {
            name.removeprefix(prefix).removesuffix(LIDARSEG_SUFFIX): name
            for name in members
            if name.startswith(prefix) and name.endswith(LIDARSEG_SUFFIX) and name.count('/') == 2
        }
        stray = sorted(set(members) - set(predictions.values()) - {header})
        if stray:
            problems.append(f'{len(stray)} files that do not belong there: {list_names(stray)}')
        if header in members:
            try:
                problems += _header_problems(read_member(archive, members[header]), header)
            except ValueError as error:
                problems.append(str(error))
        else:
            problems.append(f'{header} is missing')
        points = {scan.token: scan.points for scan in scans}
        problems += token_problems(predictions, points, 'predictions')
        known = sorted((token, name) for token, name in predictions.items() if token in points)
        for token, name in tqdm(known, 'checking', unit='scan'):
            try:
                labels = np.frombuffer(read_member(archive, members[name]), np.uint8)
                problem = label_problem(labels, name, points.get(token))
            except ValueError as error:
                problem = str(error)
            problems += [problem] if problem else []
    return problems


def _header_problems(data: bytes, name: str) -> list[str]:
    try:
        content = parse_json(data, name)
    except ValueError as error:
        return [str(error)]
    if not isinstance(content, dict) or 'meta' not in content:
        return [f"{name} must hold {{'meta': ...}}"]
    return [f'{name}: {problem}' for problem in meta_problems(content['meta'])]


def parse_meta(words: Sequence[str]) -> dict[str, Any]:
    """Meta information of the command line: a JSON file, or KEY=true and KEY=false; keys not named are false.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a word is neither, or the file is not JSON.
    """
    if len(words) == 1 and words[0].endswith('.json'):
        content = read_json(words[0])
        return content.get('meta', content) if isinstance(content, dict) else content
    meta: dict[str, Any] = dict.fromkeys(META_KEYS, False)
    for word in words:
        key, _, value = word.partition('=')
        if value.lower() not in ('true', 'false'):
            raise ValueError(f'--meta needs KEY=true or KEY=false with keys of {list(META_KEYS)}, got {word!r}')
        meta[key] = value.lower() == 'true'
    return meta


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add ``pack`` and ``check`` to the command line."""
    pack = commands.add_parser('pack', help='pack <token>_lidarseg.bin files')
    pack.add_argument('pred_dir', help='predictions, as LidarSegMetric(submission_dir=...) writes them')
    pack.add_argument('--out', required=True, metavar='Z.zip', help='file to write')
    pack.add_argument(
        '--meta',
        nargs='+',
        required=True,
        metavar='KEY=BOOL',
        help=f'what the method used: {", ".join(META_KEYS)}; keys not named are false; or a JSON file',
    )
    check = commands.add_parser('check', help='check a file before it is uploaded')
    check.add_argument('zip', help='the submission')
    for parser in (pack, check):
        parser.add_argument('--infos', required=True, metavar='F.pkl', help='info file of the split')
        parser.add_argument('--data-root', help='root of nuScenes: labels are counted against the points')
        parser.add_argument('--split', default='test', help='folder name in the file; default: %(default)s')
    pack.set_defaults(
        run=lambda args: pack_lidarseg(
            args.pred_dir, read_scans(args.infos, args.data_root), parse_meta(args.meta), args.out, args.split
        )
    )
    check.set_defaults(run=lambda args: check_lidarseg(args.zip, read_scans(args.infos, args.data_root), args.split))
