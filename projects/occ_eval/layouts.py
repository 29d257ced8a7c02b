"""Folders of occupancy predictions, in the layouts in which the code bases of the field write them.

Which code base writes which layout is listed in docs/evaluation.md.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from projects.fileio import BadFileError, NpzBytes, read_whole

from .files import existing_folder, problem_of

KNOWN_LAYOUTS = (
    '<token>.npz or <folder>/<token>.npz (Occ3D server, CVPR 2023 baseline, SparseOcc, EFFOcc, tools/test.py)',
    '<token>/pred.npz or <folder>/<token>/pred.npz (FlashOcc, EFFOcc); a lone file may have any name',
    '<number>.npz with the token in its array sample_token (CVPR 2023 baseline with show_dir)',
    '<scene>/<number>.npy, numbers as the frames of a whole scene in --infos (RenderOcc with --dump_dir)',
)
"""What :func:`find_occ_predictions` knows; each file may be .npz or .npy."""

_NAMES_IN_TOKEN_FOLDER = ('pred', 'occ', 'labels')
_DEPTH = 3
_SHOWN = 3


class Predictions(NamedTuple):
    """Files of a folder.

    Attributes:
        paths (dict[str, str]): Paths by token; files of which no token is known stand under their own name.
        problems (list[dict[str, str]]): Errors for tokens that have several files, and for damaged files.
    """

    paths: dict[str, str]
    problems: list[dict[str, str]]


def frames_of_scenes(items: Sequence[Mapping]) -> dict[str, list[str]]:
    """Sample tokens of each scene in the order of time, by name and by token of the scene."""
    scenes: dict[str, list[str]] = {}
    for item in sorted(items, key=lambda item: item['timestamp']):
        for name in {str(item[key]) for key in ('scene_name', 'scene_token') if item.get(key)}:
            scenes.setdefault(name, []).append(item['token'])
    return scenes


def find_occ_predictions(
    folder: str | os.PathLike, tokens: Collection[str], scenes: Mapping[str, Sequence[str]] | None = None
) -> Predictions:
    """Find the predictions of some tokens, in any layout of :data:`KNOWN_LAYOUTS`.

    Args:
        folder (str or PathLike): The folder.
        tokens (Collection[str]): Tokens that are looked for.
        scenes (Mapping[str, Sequence[str]] | None): From :func:`frames_of_scenes`, for files that are named by the
            number of a frame in its scene. Defaults to None.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no prediction of any of the tokens; says what is known and what was found. If the
            numbered files of a scene are not those of its frames in ``scenes``.
    """
    root = existing_folder(folder)
    known, scenes = set(tokens), scenes or {}
    files = list(_array_files(root))
    numbered = _check_numbers(files, known, scenes)
    found: dict[str, list[str]] = {}
    problems = []
    for path in files:
        try:
            token = numbered.get(path) or _token_of(path, root, known)
        except BadFileError as error:
            problems.append(problem_of(_stem(path), path, str(error)))
            continue
        found.setdefault(token, []).append(path)
    if not known & set(found) and not problems:
        seen = [os.path.relpath(path, root) for path in files[:_SHOWN]] or sorted(os.listdir(root))[:_SHOWN]
        raise ValueError(
            f'{root} holds no prediction of the {len(known)} tokens that are evaluated. Known layouts:\n  '
            + '\n  '.join(KNOWN_LAYOUTS)
            + f'\nFound: {len(files)} .npz and .npy files, for instance {", ".join(seen) or "nothing at all"}'
        )
    paths = {}
    for token, several in found.items():
        # A label may lie beside the prediction, where a tool wrote into the folder of the labels.
        rest = [path for path in several if _stem(path) != 'labels'] if len(several) > 1 else several
        if len(rest) != 1:
            problems.append(problem_of(token, several[1], f'{several[1]} and {several[0]} are for one token'))
        paths[token] = (rest or several)[0]
    return Predictions(paths, problems)


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _array_files(root: str) -> Iterator[str]:
    """Files .npz and .npy at most three folders deep, those of a folder before those below it, sorted."""
    for place, folders, names in os.walk(root):
        inside = os.path.relpath(place, root)
        depth = 0 if inside == os.curdir else inside.count(os.sep) + 1
        folders[:] = sorted(name for name in folders if not name.startswith('.')) if depth < _DEPTH else []
        for name in sorted(names):
            if name.endswith(('.npz', '.npy')) and not name.startswith('.'):
                yield os.path.join(place, name)


def _token_of(path: str, root: str, known: Collection[str]) -> str:
    """Token of a file, or its own name."""
    stem, place = _stem(path), os.path.dirname(path)
    parent = os.path.basename(place)
    nested = place != root
    if stem in known:
        return stem
    if nested and parent in known:
        return parent
    if stem.isdecimal() and path.endswith('.npz'):
        content = NpzBytes(read_whole(path), path)
        if 'sample_token' in content:
            return str(content.read(['sample_token'])['sample_token'])
    return parent if nested and stem in _NAMES_IN_TOKEN_FOLDER else stem


def _check_numbers(files: Sequence[str], known: Collection[str], scenes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Tokens of files ``<scene>/<number>``; the numbers of a scene must be those of its frames."""
    numbered: dict[str, list[tuple[int, str]]] = {}
    for path in files:
        place, stem = os.path.dirname(os.path.abspath(path)), _stem(path)
        if os.path.basename(place) in scenes and stem.isdecimal() and stem not in known:
            numbered.setdefault(place, []).append((int(stem), path))
    tokens = {}
    for place, pairs in numbered.items():
        frames, numbers = scenes[os.path.basename(place)], sorted(number for number, _ in pairs)
        if numbers != list(range(len(frames))):
            raise ValueError(
                f'{place} holds {len(pairs)} files numbered {numbers[0]}..{numbers[-1]}, but the info file has '
                f'{len(frames)} frames of that scene: numbers stand for the frames of a whole scene, from 0; give all '
                'predictions of the scene and an info file that holds all of its frames, or name the files by token'
            )
        tokens.update({path: frames[number] for number, path in pairs})
    return tokens
