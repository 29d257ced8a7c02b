"""Parts of a data set by scene: fewer scenes, or labels on some of them only."""

import hashlib
from collections.abc import Collection, Iterable, Sequence


def choose_scenes(scenes: Iterable[str], part: float, draw: int = 0, among: Collection[str] | None = None) -> set[str]:
    """Some of the scenes, always the same ones, and those of a smaller part among those of a larger.

    Args:
        scenes (Iterable[str]): Names or tokens, each as often as it likes.
        part (float): Part of all scenes to choose, above 0 and at most 1; at least one scene is chosen.
        draw (int): Number of the draw, at least 0: another one chooses others, again always the same. Defaults to 0.
        among (Collection[str] | None): The scenes to choose from. Defaults to None (all).

    Returns:
        set[str]: ``round(part * number of scenes)`` of them, those whose SHA-256 comes first; in a draw above 0 that of
        ``'{draw} {scene}'``.

    Raises:
        ValueError: If the part or the draw is out of range.
    """
    if not 0 < part <= 1:
        raise ValueError(f'a part of the scenes must be above 0 and at most 1, got {part}')
    if isinstance(draw, bool) or not isinstance(draw, int) or draw < 0:
        raise ValueError(f'the draw of labelled scenes must be an integer of at least 0, got {draw!r}')
    every = set(scenes)
    salt = f'{draw} ' if draw else ''
    ordered = sorted(
        every if among is None else every.intersection(among),
        key=lambda scene: hashlib.sha256(f'{salt}{scene}'.encode()).hexdigest(),
    )
    return set(ordered[: max(1, round(part * len(every)))])


def keep_parts(
    infos: list[dict],
    scenes: Sequence[str],
    scene_part: float,
    label_part: float,
    ann_file: str,
    command: str,
    label_draw: int = 0,
) -> list[dict]:
    """Infos of a part of the scenes, with ``labelled=False`` in those whose labels are not to be read.

    Args:
        infos (list[dict]): One dict for each frame.
        scenes (Sequence[str]): Scene of each frame, '' where it is not known.
        scene_part (float): Part of all scenes that is kept.
        label_part (float): Part of **all** scenes whose labels are read; they are chosen among the kept ones.
        ann_file (str): Name of the info file, for the message.
        command (str): What writes it again, for the message.
        label_draw (int): Which of them; draw 0 begins with the scenes that a small ``scene_part`` keeps. Defaults to 0.

    Raises:
        ValueError: If a part or the draw is out of range, or the scene of a frame is not known.
    """
    if scene_part == label_part == 1:
        return infos
    if not all(scenes):
        raise ValueError(
            f'{ann_file} does not say the scene of each sample, so no part of the scenes can be chosen; write it again '
            f'with {command}'
        )
    kept = choose_scenes(scenes, scene_part)
    labelled = choose_scenes(scenes, label_part, label_draw, among=kept)
    pairs = [(info, scene) for info, scene in zip(infos, scenes) if scene in kept]
    return [info if scene in labelled else {**info, 'labelled': False} for info, scene in pairs]
