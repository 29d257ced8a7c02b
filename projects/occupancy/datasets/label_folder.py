"""Labels and image segments of another folder than the one that the info file names."""

import os.path as osp


def check_label_folder(data_root: str, gts: str | None) -> None:
    """Refuse a folder of labels that is not there: in testing, samples without a label would pass unscored.

    Raises:
        FileNotFoundError: If it is named and missing.
    """
    if gts is not None and not osp.isdir(osp.join(data_root, gts)):
        raise FileNotFoundError(
            f'folder of labels not found: {osp.join(data_root, gts)} (gts of the data set); for MiniDrive write it '
            'with tools/create_minidrive.py --labels aggregated'
        )


def check_segment_folder(data_root: str, segments: str | None) -> None:
    """Refuse a folder of image segments that is not there before the first step.

    Raises:
        FileNotFoundError: If it is named and missing.
    """
    if segments is not None and not osp.isdir(osp.join(data_root, segments)):
        raise FileNotFoundError(
            f'folder of image segments not found: {osp.join(data_root, segments)} (segments of the data set); make it '
            'with tools/extract_segments.py'
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
