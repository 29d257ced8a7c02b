"""What made the segments of a folder: one folder never mixes two ways."""

import json
from collections.abc import Mapping
from pathlib import Path

from projects.fileio import read_json, write_once

SETTINGS_FILE = 'extract_segments.json'


def claim_folder(folder: Path, settings: Mapping[str, str | float]) -> None:
    """Write the settings into a new folder, or compare them with those of a run that goes on.

    Of several processes that start at once, such as those of ``--shard``, one writes them and all others compare.

    Raises:
        ValueError: If the folder holds segments of other settings, or of another program.
    """
    path = folder / SETTINGS_FILE
    # Looked for before and after: another process may claim the folder, and write its first file, at this moment.
    if not path.is_file() and next(folder.rglob('*.png'), None) is not None and not path.is_file():
        raise ValueError(
            f'{folder} holds PNG files that this tool did not make (there is no {SETTINGS_FILE}), as a MiniDrive has '
            'in its folder segments; choose another folder'
        )
    if path.is_file() or not write_once(path, json.dumps(dict(settings), indent=1)):
        found = read_json(path)
        if found != settings:
            raise ValueError(
                f'{folder} holds segments that were made with {json.dumps(found)}, not with '
                f'{json.dumps(dict(settings))}; choose another folder, or delete that one'
            )
