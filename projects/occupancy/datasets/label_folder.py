"""Labels and image segments of another folder than the one that the info file names."""

import os.path as osp

_KINDS = {
    'gts': ('labels', 'for MiniDrive write it with tools/create_minidrive.py --labels aggregated'),
    'segments': ('image segments', 'make it with tools/extract_segments.py'),
}


def check_folder(data_root: str, folder: str | None, key: str) -> None:
    """Refuse a folder that is not there before the first step: in testing, samples without a label would pass unscored.

    Args:
        data_root (str): Root of the data set.
        folder (str | None): Its folder, or None for that of the info file.
        key (str): Argument of the data set: 'gts' or 'segments'.

    Raises:
        FileNotFoundError: If it is named and missing.
    """
    if folder is not None and not osp.isdir(osp.join(data_root, folder)):
        kind, remedy = _KINDS[key]
        raise FileNotFoundError(
            f'folder of {kind} not found: {osp.join(data_root, folder)} ({key} of the data set); {remedy}'
        )


def in_label_folder(occ_path: str, gts: str | None, source: str) -> str:
    """Path of a label below the data root, with ``gts`` in place of its first folder.

    Args:
        occ_path (str): Path that the info file names.
        gts (str | None): Folder of the labels, or None for that of the path.
        source (str): Sample and file, for the message.

    Raises:
        ValueError: If the path has no folder to replace, or is absolute.
    """
    if gts is None:
        return occ_path
    _, slash, rest = occ_path.partition('/')
    if not slash or not rest or osp.isabs(occ_path):
        raise ValueError(
            f'occ_path of {source} is {occ_path!r}: it has no folder in whose place gts={gts!r} of the data set could '
            'stand; paths are <folder>/..., relative to the data root'
        )
    return f'{gts}/{rest}'
