"""What made the segments of a folder: one folder never mixes two ways."""

import json
from collections.abc import Mapping
from pathlib import Path

from projects.fileio import atomic_write, read_json

SETTINGS_FILE = 'extract_segments.json'


def claim_folder(folder: Path, settings: Mapping[str, str | float]) -> None:
    """Write the settings into a new folder, or compare them with those of a run that goes on.

    Raises:
        ValueError: If the folder holds segments of other settings, or of another program.
    """
    path = folder / SETTINGS_FILE
    if path.is_file():
        found = read_json(path)
        if found != settings:
            raise ValueError(
                f'{folder} holds segments that were made with {json.dumps(found)}, not with '
                f'{json.dumps(dict(settings))}; choose another folder, or delete that one'
            )
        return
    if next(folder.rglob('*.png'), None) is not None:
        raise ValueError(
            f'{folder} holds PNG files that this tool did not make (there is no {SETTINGS_FILE}), as a MiniDrive has '
            'in its folder segments; choose another folder'
        )
    with atomic_write(path, 'w') as file:
        json.dump(dict(settings), file, indent=1)
