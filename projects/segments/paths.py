"""Where the segments of an image are: one file per image, in one folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from projects.fileio import check_name, restricted_load
from projects.occ_eval.infos import read_info_items

_IMAGES = ('.jpg', '.jpeg', '.png')
_DEEPEST = 32


@dataclass(frozen=True)
class SegmentFile:
    """An image and the file of its segments.

    Args:
        image (str): The image.
        segments (str): PNG of its segments; may not be there yet.
    """

    image: str
    segments: str


def segments_name(image: dict, camera: str, source: str) -> str:
    """Name of the segments of one image inside a folder of segments, without ``.png``.

    It is what ``segments_path`` has behind its first folder; in info files that name no segments the token of the
    image, or camera and name of the image where there is no token either.

    Args:
        image (dict): ``images.<camera>`` of a sample of an info file.
        camera (str): Name of the camera.
        source (str): Sample and file, for the message.

    Raises:
        ValueError: If the name could lead out of the folder, or ``segments_path`` is in no folder.
    """
    path = image.get('segments_path')
    if path:
        _, slash, name = str(path).partition('/')
        if not slash or os.path.isabs(path) or not name.endswith('.png'):
            raise ValueError(
                f'images.{camera}.segments_path of {source} is {path!r}: it has no folder in whose place another could '
                'stand; paths are <folder>/<name>.png, relative to the data root'
            )
        name = name.removesuffix('.png')
    else:
        name = image.get('sample_data_token') or f'{camera}/{Path(str(image.get("img_path"))).stem}'
    return check_name(name, f'name of the segments of images.{camera}', source, parts=_DEEPEST)


def files_of_infos(infos: Iterable[str | os.PathLike], data_root: str | os.PathLike, folder: str) -> list[SegmentFile]:
    """List the images of info files.

    Args:
        infos (Iterable[str or PathLike]): Info files as the data set reads them.
        data_root (str or PathLike): Root of the data; images are at ``samples/<camera>/<img_path>`` below it.
        folder (str): Folder of the segments.

    Returns:
        list[SegmentFile]: Each image once, in the order of the files.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is no info file or names an image in a way that cannot be followed.
    """
    found: dict[str, SegmentFile] = {}
    for path in infos:
        for item in read_info_items(restricted_load(path), str(path)):
            source = f'sample {item["token"]} in {path}'
            for camera, image in item['images'].items():
                if not (isinstance(image.get('img_path'), str) and image['img_path']):
                    raise ValueError(f'images.{camera}.img_path of {source} must be a path')
                picture = os.path.join(data_root, 'samples', camera, image['img_path'])
                segments = os.path.join(folder, f'{segments_name(image, camera, source)}.png')
                found[segments] = SegmentFile(picture, segments)
    return list(found.values())


def files_of_folder(images: str | os.PathLike, folder: str) -> list[SegmentFile]:
    """List the images below a folder; their segments have the same places below ``folder``.

    Args:
        images (str or PathLike): Folder of JPEG and PNG files, at any depth.
        folder (str): Folder of the segments. Files inside it are no images.

    Raises:
        FileNotFoundError: If there is no such folder, or no image in it.
        ValueError: If two images differ in their endings alone.
    """
    root, out = Path(images), Path(folder).resolve()
    paths = sorted(path for path in root.rglob('*') if path.suffix.lower() in _IMAGES and path.is_file())
    found: dict[str, SegmentFile] = {}
    for path in paths:
        if path.resolve().is_relative_to(out):
            continue
        segments = os.path.join(folder, path.relative_to(root).with_suffix('.png'))
        if segments in found:
            raise ValueError(f'{found[segments].image} and {path} would have the same file of segments: rename one')
        found[segments] = SegmentFile(str(path), segments)
    if not found:
        raise FileNotFoundError(f'no {", ".join(_IMAGES)} file below {root}; check the folder of --images')
    return list(found.values())
