"""What a model with memory keeps of keyframes that it has seen, for testing in the order of the scene."""

from collections.abc import Collection

from torch import Tensor


class FrameMemory:
    """Features of keyframes by token, each for the BEV augmentations (``bda_mat``) under which it was seen."""

    def __init__(self) -> None:
        self._frames: dict[str, dict[tuple[float, ...], dict[str, Tensor]]] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def find(self, token: str, bda_mat: Tensor) -> dict[str, Tensor] | None:
        """Features of a keyframe, or None if it was not seen under this augmentation (4, 4)."""
        return self._frames.get(token, {}).get(_key(bda_mat))

    def put(self, token: str, bda_mat: Tensor, features: dict[str, Tensor]) -> None:
        """Remember the features of a keyframe under an augmentation (4, 4)."""
        self._frames.setdefault(token, {})[_key(bda_mat)] = features

    def keep(self, tokens: Collection[str]) -> None:
        """Forget all keyframes but these."""
        self._frames = {token: seen for token, seen in self._frames.items() if token in tokens}

    def clear(self) -> None:
        """Forget everything."""
        self._frames = {}


def _key(bda_mat: Tensor) -> tuple[float, ...]:
    return tuple(bda_mat.flatten().tolist())
