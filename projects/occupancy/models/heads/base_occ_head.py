"""What all occupancy heads share: the losses and the prediction.

Shape letters: B batch, X/Y/Z voxels, K classes.
"""

from collections.abc import Sequence

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from projects.occupancy.classes import UNLABELLED
from projects.occupancy.models.losses import select_voxels

_MASKS = ('camera', 'lidar', None)


def _apply(loss: nn.Module, logits: Tensor, ids: Tensor) -> Tensor:
    """Loss of selected voxels; one that has ``of_selected`` need not look which of them count."""
    return getattr(loss, 'of_selected', loss)(logits, ids)


class BaseOccHead(BaseModule):
    """Losses over the observed voxels and the most likely class.

    Args:
        num_classes (int): K, with the free class. Defaults to 18.
        mask (str, optional): Voxels that the losses see: 'camera' (of ``mask_camera``), 'lidar' or None for all. It
            decides what the numbers mean: training with the camera mask raises mIoU under that mask and leaves the
            unseen voxels untrained. Defaults to 'camera'.
        loss_occ (dict, optional): Config of the cross-entropy. Defaults to MaskedCrossEntropyLoss.
        loss_lovasz (dict, optional): Config of a further loss. Defaults to None.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        num_classes: int = 18,
        mask: str | None = 'camera',
        loss_occ: dict | None = None,
        loss_lovasz: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if mask not in _MASKS:
            raise ValueError(f'mask must be one of {_MASKS}, got {mask!r}')
        self.num_classes, self.mask = num_classes, mask
        self.loss_occ = MODELS.build(loss_occ or {'type': 'MaskedCrossEntropyLoss'})
        self.loss_lovasz = MODELS.build(loss_lovasz) if loss_lovasz else None
        weight = getattr(self.loss_occ, 'class_weight', None)
        if weight is not None and len(weight) != num_classes:
            raise ValueError(
                f'class_weight of loss_occ has {len(weight)} values, but num_classes of the head is {num_classes}: '
                'give one for each class, or None'
            )
        self.register_buffer('log_class_weight', None if weight is None else weight.log(), persistent=False)
        self.has_zero_weight = getattr(self.loss_occ, 'has_zero_weight', False)

    def loss(self, occ_logits: Tensor, data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            occ_logits (Tensor): Class logits. Shape (B, X, Y, Z, K).
            data_samples (Sequence[OccDataSample]): Samples with ``gt_occ`` and the mask.

        Returns:
            dict[str, Tensor]: ``loss_occ`` and, when configured, ``loss_lovasz``.

        Raises:
            ValueError: If a sample lacks the labels.
        """
        target = self._stack(data_samples, 'gt_occ')
        mask = None if self.mask is None else self._stack(data_samples, f'mask_{self.mask}')
        # Selected once for both losses: each selection costs a gradient of the size of all logits.
        logits, ids = select_voxels(occ_logits, target, mask)
        losses = {'loss_occ': _apply(self.loss_occ, logits, ids)}
        if self.loss_lovasz is not None:
            losses['loss_lovasz'] = _apply(self.loss_lovasz, logits, ids)
        return losses

    def calibrate(self, occ_logits: Tensor) -> Tensor:
        """Logits whose softmax is a probability, whatever the class weights of the cross-entropy.

        Weighted cross-entropy has its minimum where the softmax is proportional to weight times probability, so the
        logarithm of the weights is taken off. What compares or renders logits of two models reads these.

        Args:
            occ_logits (Tensor): Class logits. Shape (B, X, Y, Z, K).

        Returns:
            Tensor: The same shape; ``occ_logits`` itself when there are no class weights.

        Raises:
            ValueError: If a weight is 0: such a class has no calibrated logit.
        """
        if self.log_class_weight is None:
            return occ_logits
        if self.has_zero_weight:
            raise ValueError('a class_weight of loss_occ is 0: logits of that class cannot be calibrated')
        return occ_logits - self.log_class_weight

    @staticmethod
    def predict(occ_logits: Tensor) -> Tensor:
        """Most likely class of each voxel.

        Args:
            occ_logits (Tensor): Class logits or probabilities. Shape (B, X, Y, Z, K).

        Returns:
            Tensor: uint8, shape (B, X, Y, Z); 255 where the largest logit is NaN or infinite, which metrics refuse:
            such a voxel would be class 0 otherwise, and a broken model would have a score.
        """
        values, ids = occ_logits.max(-1)
        return ids.to(torch.uint8).masked_fill_(~torch.isfinite(values), UNLABELLED)

    @staticmethod
    def _stack(data_samples: Sequence, key: str) -> Tensor:
        for sample in data_samples:
            if key not in sample:
                raise ValueError(
                    f'training needs {key!r}, which sample {getattr(sample, "token", "?")} lacks; '
                    'load the occupancy labels in the train pipeline'
                )
        return torch.stack([getattr(sample, key) for sample in data_samples])
