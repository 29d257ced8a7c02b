"""Parts of a data set by scene: fewer scenes, or labels on some of them only."""

import hashlib
from collections.abc import Iterable, Sequence


def choose_scenes(scenes: Iterable[str], part: float) -> set[str]:
    """Some of the scenes, always the same ones, and those of a smaller part among those of a larger.

    Args:
        scenes (Iterable[str]): Names or tokens, each as often as it likes.
        part (float): Part to choose, above 0 and at most 1; at least one scene is chosen.

    Returns:
        set[str]: ``round(part * number of scenes)`` of them, those whose SHA-256 comes first.

    Raises:
        ValueError: If the part is out of range.
    """
    if not 0 < part <= 1:
        raise ValueError(f'a part of the scenes must be above 0 and at most 1, got {part}')
    ordered = sorted(set(scenes), key=lambda scene: hashlib.sha256(scene.encode()).hexdigest())
    return set(ordered[: max(1, round(part * len(ordered)))])


def keep_parts(
    infos: list[dict], scenes: Sequence[str], scene_part: float, label_part: float, ann_file: str, command: str
) -> list[dict]:
    """Infos of a part of the scenes, with ``labelled=False`` in those whose labels are not to be read.

    Args:
        infos (list[dict]): One dict for each frame.
        scenes (Sequence[str]): Scene of each frame, '' where it is not known.
        scene_part (float): Part of all scenes that is kept.
        label_part (float): Part of **all** scenes whose labels are read; the kept ones come first among them.
        ann_file (str): Name of the info file, for the message.
        command (str): What writes it again, for the message.

    Raises:
        ValueError: If a part is out of range, or the scene of a frame is not known.
    """
    if scene_part == label_part == 1:
        return infos
    if not all(scenes):
        raise ValueError(
            f'{ann_file} does not say the scene of each sample, so no part of the scenes can be chosen; write it again '
            f'with {command}'
        )
    kept, labelled = choose_scenes(scenes, scene_part), choose_scenes(scenes, label_part)
    pairs = [(info, scene) for info, scene in zip(infos, scenes) if scene in kept]
    return [info if scene in labelled else {**info, 'labelled': False} for info, scene in pairs]
