"""Submissions to KITTI's single-image depth benchmark.

A zip file with ``0000000000.png`` .. ``0000000499.png`` at its root: single-channel 16-bit PNG files of 352x1216 pixels
in metres * 256, one for each image of ``depth_selection/test_depth_prediction_anonymous``.
"""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from projects.fileio import list_names, open_archive, open_members, read_member, read_whole, write_zip

from .crops import KB_HEIGHT, KB_WIDTH
from .maps import ARRAY_SUFFIXES, decode_depth, encode_depth, read_prediction

COUNT = 500
NAMES = tuple(f'{index:010d}.png' for index in range(COUNT))
_MAX_BYTES = 4 << 20  # a map that is not compressed has 856 kB
_SHOWN = 10


def _map_problem(data: bytes, name: str) -> str | None:
    """What is wrong with one prediction."""
    try:
        depth = decode_depth(data, name)
    except ValueError as error:
        return str(error)
    if depth.shape != (KB_HEIGHT, KB_WIDTH):
        height, width = depth.shape
        return f'{name} must have the size {KB_HEIGHT}x{KB_WIDTH} of the test images, got {height}x{width}'
    if not (depth > 0).any():
        return f'{name} is empty: all pixels are 0'
    return None


def _name_problems(found: Iterable[str]) -> list[str]:
    found = set(found)
    problems = []
    for what, names in (('are missing', set(NAMES) - found), ('do not belong there', found - set(NAMES))):
        if names:
            problems.append(f'{len(names)} files {what}: {list_names(sorted(names), _SHOWN)}')
    return problems


def _packed_names(root: Path) -> dict[str, Path]:
    """Files of a folder by the name that they get; arrays stand in for PNG files where there is none.

    Raises:
        ValueError: If two arrays have one name.
    """
    paths = list(root.iterdir())
    if any(path.suffix == '.png' for path in paths):
        return {path.name: path for path in paths}
    names: dict[str, Path] = {}
    for path in sorted(paths):
        name = f'{path.stem}.png' if path.suffix in ARRAY_SUFFIXES else path.name
        if names.setdefault(name, path) != path:
            raise ValueError(f'{names[name]} and {path} are both predictions of one image; remove one')
    return names


def _map_bytes(path: Path) -> bytes:
    """A prediction as the archive holds it.

    Raises:
        ValueError: If it cannot be read, or holds NaN or negative values.
    """
    if path.suffix not in ARRAY_SUFFIXES:
        return read_whole(path, _MAX_BYTES)
    depth = read_prediction(str(path))
    try:
        return encode_depth(depth)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def pack_kitti_depth(pred_dir: str | os.PathLike, out: str | os.PathLike) -> list[str]:
    """Pack predictions; equal files give equal archives.

    Args:
        pred_dir (str or PathLike): Folder with the 500 PNG files, or as many ``.npy`` or ``.npz`` files of metres,
            which are encoded as KITTI's devkit does.
        out (str or PathLike): The zip file.

    Returns:
        list[str]: Everything that is wrong; nothing is written then.
    """
    root = Path(pred_dir)
    if not root.is_dir():
        return [f'folder not found: {pred_dir}']
    paths = _packed_names(root)
    problems = _name_problems(paths)
    contents = {}
    for name in tqdm([name for name in NAMES if name in paths and paths[name].is_file()], 'checking', unit='file'):
        try:
            contents[name] = _map_bytes(paths[name])
            problem = _map_problem(contents[name], name)
        except ValueError as error:
            problem = str(error)
        problems += [problem] if problem else []
    if not problems:
        write_zip(out, contents.items(), compress=False)
    return problems


def check_kitti_depth(path: str | os.PathLike) -> list[str]:
    """Everything that is wrong with a submission, a zip file."""
    try:
        archive = open_archive(path)
    except ValueError as error:
        return [str(error)]
    with archive:
        members, problems = open_members(archive, _MAX_BYTES)
        problems += _name_problems(members)
        if any('/' in name for name in members):
            problems.append('files must be at the root of the archive, not in a folder')
        for name in sorted(set(members) & set(NAMES)):
            try:
                problem = _map_problem(read_member(archive, members[name]), name)
            except ValueError as error:
                problem = str(error)
            problems += [problem] if problem else []
        return problems


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add ``pack`` and ``check`` to the command line."""
    pack = commands.add_parser('pack', help='pack 0000000000.png .. 0000000499.png, or .npy or .npz of metres')
    pack.add_argument('pred_dir', help='predictions, as DepthMetric(submission_dir=...) writes them')
    pack.add_argument('--out', required=True, metavar='Z.zip', help='file to write')
    pack.set_defaults(run=lambda args: pack_kitti_depth(args.pred_dir, args.out))
    check = commands.add_parser('check', help='check a file before it is uploaded')
    check.add_argument('zip', help='the submission')
    check.set_defaults(run=lambda args: check_kitti_depth(args.zip))
