"""What a model with memory keeps of keyframes that it has seen, for testing in the order of the scene."""

from collections.abc import Collection

from torch import Tensor


class FrameMemory:
    """Features of keyframes by token, each for the augmentations under which it was seen: ``bda_mat`` (4, 4), and
    ``img_aug_matrix`` (N, 3, 3) of its N cameras.
    """

    def __init__(self) -> None:
        self._frames: dict[str, dict[tuple[float, ...], dict[str, Tensor]]] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def find(self, token: str, *augmentations: Tensor) -> dict[str, Tensor] | None:
        """Features of a keyframe, or None if it was not seen under these augmentations."""
        return self._frames.get(token, {}).get(_key(augmentations))

    def put(self, token: str, features: dict[str, Tensor], *augmentations: Tensor) -> None:
        """Remember the features of a keyframe under its augmentations."""
        self._frames.setdefault(token, {})[_key(augmentations)] = features

    def keep(self, tokens: Collection[str]) -> None:
        """Forget all keyframes but these."""
        self._frames = {token: seen for token, seen in self._frames.items() if token in tokens}

    def clear(self) -> None:
        """Forget everything."""
        self._frames = {}


def _key(augmentations: Collection[Tensor]) -> tuple[float, ...]:
    return tuple(number for matrix in augmentations for number in matrix.flatten().tolist())
