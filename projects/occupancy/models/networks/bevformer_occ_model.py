"""Camera-only occupancy by BEV queries that read the images: BEVFormer-Occ.

Shape letters: B batch, N cameras, C channels, fH x fW feature map, X/Y/Z voxels, K classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor

from projects.models import require_inputs
from projects.occupancy.structures import check_box

from .base_occ_model import BaseOccModel


@MODELS.register_module()
class BEVFormerOccModel(BaseOccModel):
    """Image backbone, pyramid, BEV queries, head: no depth and no frustum.

    Further arguments are those of :class:`BaseOccModel`.

    Args:
        img_backbone (dict): Config of the image backbone.
        img_neck (dict): Config of the neck, which returns the feature maps that the queries read, or one.
        view_transform (dict): Config of the queries, a :class:`BEVFormerEncoder`.
        occ_head (dict): Config of the head, which reads a BEV feature.

    Attributes:
        INPUTS (tuple[str, ...]): Inputs that the model needs.
    """

    FEWER_CAMERAS = True
    INPUTS: tuple[str, ...] = ('imgs', 'cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')

    def __init__(
        self,
        img_backbone: dict,
        img_neck: dict,
        view_transform: dict,
        occ_head: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        ray_supervision: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg, ray_supervision)
        self.occ_head = MODELS.build(occ_head)
        self.img_backbone = MODELS.build(img_backbone)
        self.img_neck = MODELS.build(img_neck)
        self.view_transform = MODELS.build(view_transform)

    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs of the model, in three steps that a child may replace or wrap one by one.

        Args:
            inputs (Mapping[str, Any]): What ``INPUTS`` of the class lists: ``imgs`` and the calibration.
            data_samples (Sequence[OccDataSample], optional): Unused. Defaults to None.

        Returns:
            dict[str, Tensor]: ``img_feats`` (B, N, C, fH, fW), of the finest level, and those of :meth:`decode`.
        """
        require_inputs(inputs, self.INPUTS, type(self).__name__)
        img_feats = self.extract_img_feats(inputs)
        return {'img_feats': img_feats[0], **self.decode(self.lift(img_feats, inputs))}

    def extract_img_feats(self, inputs: Mapping[str, Any]) -> list[Tensor]:
        """First step: feature maps (B, N, C, fH, fW), finest first, of ``imgs`` (B, N, 3, H, W)."""
        imgs = inputs['imgs']
        B, N = imgs.shape[:2]
        feats = self.img_neck(self.img_backbone(imgs.flatten(0, 1).contiguous(memory_format=torch.channels_last)))
        return [feat.unflatten(0, (B, N)) for feat in ([feats] if isinstance(feats, Tensor) else feats)]

    def lift(self, img_feats: Sequence[Tensor], inputs: Mapping[str, Any]) -> Tensor:
        """Second step: BEV feature (B, C, Y, X) of the feature maps and the calibration."""
        return self.view_transform(img_feats, inputs)

    def decode(self, bev_feat: Tensor) -> dict[str, Tensor]:
        """Third step: ``bev_feat`` (B, C, Y, X) as it is, and ``occ_logits`` (B, X, Y, Z, K)."""
        return {'bev_feat': bev_feat, 'occ_logits': self.occ_head(bev_feat)}

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the head and, when configured, of rays."""
        check_box(self.view_transform.point_cloud_range, data_samples, 'view_transform')
        return self.losses_of_logits(outputs, data_samples)
