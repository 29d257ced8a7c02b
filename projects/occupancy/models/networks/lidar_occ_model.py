"""LiDAR-only occupancy on pillars.

Shape letters: B batch, C channels, X/Y/Z voxels, K classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet3d.registry import MODELS
from torch import Tensor

from projects.models import require_inputs

from .base_occ_model import BaseOccModel


def single_map(feats: Tensor | Sequence[Tensor]) -> Tensor:
    """The feature map of a neck that may return it alone or as a list of one, as SECONDFPN does."""
    return feats if isinstance(feats, Tensor) else feats[0]


@MODELS.register_module()
class LidarOccModel(BaseOccModel):
    """Pillar encoder, BEV backbone and neck, head. Further arguments are those of :class:`BaseOccModel`.

    Args:
        pts_encoder (dict): Config of the encoder from points to a BEV feature.
        pts_backbone (dict): Config of the BEV backbone, for example mmdet3d's SECOND.
        pts_neck (dict): Config of the BEV neck, for example mmdet3d's SECONDFPN.
        occ_head (dict): Config of the head.
    """

    reads_images = False

    def __init__(
        self,
        pts_encoder: dict,
        pts_backbone: dict,
        pts_neck: dict,
        occ_head: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        ray_supervision: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg, ray_supervision)
        self.occ_head = MODELS.build(occ_head)
        self.pts_encoder = MODELS.build(pts_encoder)
        self.pts_backbone = MODELS.build(pts_backbone)
        self.pts_neck = MODELS.build(pts_neck)

    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs of the LiDAR model.

        Args:
            inputs (Mapping[str, Any]): ``points``, one cloud per sample.
            data_samples (Sequence[OccDataSample], optional): Unused. Defaults to None.

        Returns:
            dict[str, Tensor]: ``bev_feat`` (B, C, Y, X) and ``occ_logits`` (B, X, Y, Z, K).
        """
        require_inputs(inputs, ('points',), type(self).__name__)
        bev_feat = self.encode_points(inputs)
        return {'bev_feat': bev_feat, 'occ_logits': self.occ_head(bev_feat)}

    def encode_points(self, inputs: Mapping[str, Any]) -> Tensor:
        """BEV feature (B, C, Y, X) of ``points``, which a child may change before the head reads it."""
        return single_map(self.pts_neck(self.pts_backbone(self.pts_encoder(inputs['points']))))

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the head and, when configured, of rays."""
        return self.losses_of_logits(outputs, data_samples)
