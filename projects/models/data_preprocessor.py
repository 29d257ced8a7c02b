"""What the data preprocessors of all tasks share: the colours of images, and checks of a batch."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor


def name_of(samples: Sequence[Any] | None, index: int) -> str:
    """Name of a sample of a batch, for messages: its token or frame id, or its number where it has neither."""
    for kind, key in (('sample', 'token'), ('frame', 'frame_id')):
        name = getattr(samples[index], key, None) if samples else None
        if name:
            return f'{kind} {name}'
    return f'sample number {index} of the batch'


def check_finite_input(key: str, tensors: Sequence[Tensor], samples: Sequence[Any] | None, source: str = '') -> None:
    """Refuse NaN and infinity in an input of a batch; ``source`` says where such a value comes from.

    Raises:
        ValueError: If there is one; names input and sample.
    """
    for index, tensor in enumerate(tensors):
        if not torch.isfinite(tensor).all():
            source = source or 'transform or data set that makes it'
            raise ValueError(f'inputs[{key!r}] of {name_of(samples, index)} holds NaN or infinity; check the {source}')


def stack_input(key: str, tensors: Sequence[Tensor]) -> Tensor:
    """One tensor (B, ...) of an input of a batch.

    Raises:
        ValueError: If shapes differ.
    """
    shapes = list(dict.fromkeys(tuple(tensor.shape) for tensor in tensors))
    if len(shapes) > 1:
        shown = ' and '.join(map(str, shapes))
        raise ValueError(f'inputs[{key!r}] of one batch differ in shape: {shown}; resize or crop them to one size')
    return torch.stack(list(tensors))


class ImageDataPreprocessor(BaseDataPreprocessor):
    """Normalise images; a child checks, stacks and moves what its task reads.

    Args:
        mean (Sequence[float]): Mean of each channel after the change to RGB. Defaults to the ImageNet mean.
        std (Sequence[float]): Standard deviation of each channel. Defaults to that of ImageNet.
        bgr_to_rgb (bool): Whether the images come in BGR order and the network wants RGB. Defaults to True.
        non_blocking (bool): Whether the copy to the device may overlap with computation. Defaults to False.

    Raises:
        ValueError: If there are not three values each, or a deviation is not positive.
    """

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        bgr_to_rgb: bool = True,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f'mean and std need three values each and std > 0, got mean={mean}, std={std}')
        self.bgr_to_rgb = bgr_to_rgb
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1), persistent=False)

    def normalise(self, imgs: Tensor) -> Tensor:
        """Images (..., 3, H, W) on the device of the preprocessor as the network reads them, float32."""
        imgs = imgs.flip(-3) if self.bgr_to_rgb else imgs
        return (imgs.float() - self.mean) / self.std
