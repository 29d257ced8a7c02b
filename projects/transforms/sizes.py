"""Sizes of images in configs."""

from collections.abc import Sequence


def checked_size(size: Sequence[int], where: str) -> tuple[int, int]:
    """Height and width of a config.

    Args:
        size (Sequence[int]): What the config says.
        where (str): Class and key, for the message.

    Raises:
        ValueError: If it is not two positive integers.
    """
    values = tuple(size) if isinstance(size, Sequence) and not isinstance(size, str) else ()
    if len(values) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in values):
        raise ValueError(f'{where} must be two positive integers, height and width in pixels, got {size!r}')
    return values
