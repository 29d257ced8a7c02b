"""Lists of frames: the compact lists of the repository, and lists in the form of the Eigen split."""

import math
from dataclasses import dataclass
from pathlib import Path

from projects.fileio import read_text

_FOLDER = Path(__file__).parent / 'splits'


@dataclass(frozen=True)
class Frame:
    """One frame of KITTI raw, left camera.

    Args:
        drive (str): ``2011_09_26_drive_0002_sync``.
        number (int): Number of the frame.
        has_depth (bool): Whether the list names a depth map. Defaults to True.
        focal (float | None): Focal length in pixels that the list states. Defaults to None.
    """

    drive: str
    number: int
    has_depth: bool = True
    focal: float | None = None

    @property
    def date(self) -> str:
        """Date folder of the drive."""
        return self.drive[:10]


def read_compact_list(name: str) -> list[Frame]:
    """Read ``splits/<name>.txt``: a drive and frames a line, ``3-9`` is a range, ``3!`` a frame without depth map."""
    frames = []
    for line in (_FOLDER / f'{name}.txt').read_text(encoding='utf-8').splitlines():
        if line.startswith('#'):
            continue
        drive, *parts = line.split()
        for part in parts:
            first, _, last = part.rstrip('!').partition('-')
            numbers = range(int(first), int(last or first) + 1)
            frames += [Frame(drive, number, not part.endswith('!')) for number in numbers]
    return frames


def read_eigen_list(path: str | Path) -> list[Frame]:
    """Read a list with ``<date>/<drive>/image_02/data/<frame>.{png,jpg} <depth map>|None <focal>`` in each line.

    Raises:
        FileNotFoundError: If the list is missing.
        ValueError: If a line has another form, its parts name different drives or frames, or a frame is there twice.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'split list not found: {path}')
    lines = read_text(path).splitlines()
    frames: list[Frame] = []
    places: dict[tuple[str, int], int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        frame = _parse(line, f'{path}, line {number}')
        first = places.setdefault((frame.drive, frame.number), number)
        if first != number:
            raise ValueError(
                f'{path}, line {number}: frame {frame.number} of {frame.drive} is there twice (line {first} as well), '
                'so it would count twice; remove one of the lines'
            )
        frames.append(frame)
    return frames


def _parse(line: str, where: str) -> Frame:
    fields = line.split()
    parts = fields[0].split('/')
    stem, _, suffix = parts[-1].partition('.')
    if (
        len(fields) != 3
        or len(parts) != 5
        or parts[2] != 'image_02'
        or not stem.isdigit()
        or suffix not in ('png', 'jpg')
    ):
        raise ValueError(
            f'{where}: expected "<date>/<drive>/image_02/data/<frame>.png <depth>|None <focal>", got {line!r}'
        )
    date, drive = parts[:2]
    if not drive.startswith(date):
        raise ValueError(f'{where}: drive {drive} is in the folder of another date, {date}')
    if fields[1] != 'None' and not (drive in fields[1].split('/') and fields[1].endswith(f'/image_02/{stem}.png')):
        raise ValueError(f'{where}: image and depth map differ in drive or frame: {line!r}')
    try:
        focal = float(fields[2])
    except ValueError:
        focal = math.nan
    if not (math.isfinite(focal) and focal > 0):
        raise ValueError(f'{where}: the focal length must be a positive number, got {fields[2]!r}')
    return Frame(drive, int(stem), fields[1] != 'None', focal)
