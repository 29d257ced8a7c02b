"""What every occupancy model is: it predicts the most likely class of each voxel.

Shape letters: B batch, X/Y/Z voxels, K classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.models import TaskModel
from projects.occupancy.models.heads import BaseOccHead
from projects.occupancy.structures import check_logits


class BaseOccModel(TaskModel):
    """Parent of students and teachers of occupancy.

    A student of your own gives ``extract_outputs``, with at least ``occ_logits`` (B, X, Y, Z, K) among its outputs, and
    ``loss_by_outputs``. If its head is a :class:`BaseOccHead` called ``occ_head``, distillation reads its logits
    without the weights of its classes; a head of another kind says how by :meth:`derive_outputs`. ``loss_by_outputs``
    of a student with such a head calls :meth:`losses_of_logits`, so that rays can train it as well.

    Args:
        data_preprocessor (dict | nn.Module, optional): The data preprocessor or its config. Defaults to
            OccDataPreprocessor.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
        ray_supervision (dict, optional): Config of losses along rays, such as ``LidarRaySupervision``, in addition to
            those of the head or instead of them. Defaults to None.

    Attributes:
        FEWER_CAMERAS (bool): Whether a sample may lack cameras of the rig.
    """

    FEWER_CAMERAS = False

    def __init__(
        self,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
        ray_supervision: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor or {'type': 'OccDataPreprocessor'}, init_cfg)
        self.ray_supervision = MODELS.build(ray_supervision) if ray_supervision else None

    def losses_of_logits(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of ``occ_logits``: those of ``occ_head`` on voxel labels, and those of ``ray_supervision``.

        Beside voxel labels the rays read the calibrated logits, as all that renders; alone, the logits as they are,
        since no class weights have shifted them.

        Args:
            outputs (Mapping[str, Tensor]): With ``occ_logits`` (B, X, Y, Z, K).
            data_samples (Sequence[OccDataSample]): Samples of the batch.

        Returns:
            dict[str, Tensor]: Scalars.
        """
        logits, rays = outputs['occ_logits'], self.ray_supervision
        if rays is None:
            return self.occ_head.loss(logits, data_samples)
        if not rays.voxel_losses:
            return rays(logits, data_samples)
        calibrated = self.derive_outputs(outputs)['calibrated_logits']
        return {**self.occ_head.loss(logits, data_samples), **rays(calibrated, data_samples)}

    def check_outputs(self, outputs: Mapping[str, Any], data_samples: Sequence | None = None) -> None:
        """Refuse outputs without ``occ_logits``, or with some of another grid or number of classes than the labels."""
        check_logits(outputs, data_samples, type(self).__name__)

    def derive_outputs(self, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``calibrated_logits`` (B, X, Y, Z, K): see :meth:`BaseOccHead.calibrate`; the logits as they are where rays
        alone train them, for no class weights have shifted those.
        """
        head, rays, logits = getattr(self, 'occ_head', None), self.ray_supervision, outputs['occ_logits']
        weighted = isinstance(head, BaseOccHead) and (rays is None or rays.voxel_losses)
        return {'calibrated_logits': head.calibrate(logits) if weighted else logits}

    def predict_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> list:
        """Write ``pred_occ`` (X, Y, Z) uint8, the most likely class, into the samples.

        Args:
            outputs (Mapping[str, Tensor]): With ``occ_logits`` (B, X, Y, Z, K).
            data_samples (Sequence[OccDataSample]): Samples of the batch.

        Returns:
            list[OccDataSample]: The samples.
        """
        for sample, pred in zip(data_samples, BaseOccHead.predict(outputs['occ_logits'])):
            sample.pred_occ = pred
        return list(data_samples)
