"""What all fusions of a stereo pair share.

Shape letters: B batch, C_l channels of level l, h_l x w_l its size.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from mmengine.model import BaseModule
from torch import Tensor


class BaseStereoFuser(BaseModule):
    """Put what the right image shows into the features of the left one.

    Attributes:
        gives_prior (bool): Whether :meth:`forward` returns ``prior_depth`` and ``confidence``.
    """

    gives_prior = False

    @abstractmethod
    def forward(
        self, left: Sequence[Tensor], right: Sequence[Tensor], inputs: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Fuse.

        Args:
            left (Sequence[Tensor]): Backbone levels of the left image, finest first, each (B, C_l, h_l, w_l).
            right (Sequence[Tensor]): The same of the right image.
            inputs (Mapping[str, Tensor]): Inputs of the model; ``right_img`` is the image that ``right`` comes from.

        Returns:
            tuple: Levels of the shapes of ``left``, and further outputs by name.
        """
