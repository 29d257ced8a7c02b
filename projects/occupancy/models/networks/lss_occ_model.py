"""Camera-only occupancy by lift-splat: FlashOcc (BEV) and BEVDet-Occ (voxels).

Shape letters: B batch, N cameras, C channels, D depth bins, fH x fW feature map, X/Y/Z voxels, K classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor

from projects.models import require_inputs

from .base_occ_model import BaseOccModel


@MODELS.register_module()
class LSSOccModel(BaseOccModel):
    """Image backbone, view transform, encoder in the grid, head.

    The same class serves BEV and voxel models: the view transform decides (``collapse_z``), and the encoder and the
    head have to fit. Further arguments are those of :class:`BaseOccModel`.

    Args:
        img_backbone (dict): Config of the image backbone.
        img_neck (dict): Config of the neck, which returns one feature map.
        view_transform (dict): Config of the view transform.
        occ_head (dict): Config of the head.
        grid_backbone (dict): Config of the BEV or voxel encoder.
        grid_neck (dict): Config of the neck that joins its stages.

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
        grid_backbone: dict,
        grid_neck: dict,
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
        self.grid_backbone = MODELS.build(grid_backbone)
        self.grid_neck = MODELS.build(grid_neck)

    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs of the model, in four steps that a child may replace or wrap one by one.

        Args:
            inputs (Mapping[str, Any]): What ``INPUTS`` of the class lists: ``imgs`` and the calibration.
            data_samples (Sequence[OccDataSample], optional): Unused. Defaults to None.

        Returns:
            dict[str, Tensor]: ``img_feats`` (B, N, C, fH, fW), ``depth_logits`` (B * N, D, fH, fW), and those of
            :meth:`decode`.
        """
        require_inputs(inputs, self.INPUTS, type(self).__name__)
        img_feats = self.extract_img_feats(inputs)
        lifted, depth_logits = self.lift(img_feats, inputs)
        outputs = self.decode(self.encode_grid(lifted, inputs))
        return {'img_feats': img_feats, 'depth_logits': depth_logits, **outputs}

    def extract_img_feats(self, inputs: Mapping[str, Any]) -> Tensor:
        """First step: image features (B, N, C, fH, fW) of ``imgs`` (B, N, 3, H, W).

        Channels-last memory is what CPU kernels and tensor cores want, and it lasts through the network.
        """
        imgs = inputs['imgs']
        B, N = imgs.shape[:2]
        feats = self.img_neck(self.img_backbone(imgs.flatten(0, 1).contiguous(memory_format=torch.channels_last)))
        return feats.unflatten(0, (B, N))

    def lift(self, img_feats: Tensor, inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Second step: image features in the grid.

        Args:
            img_feats (Tensor): Image features. Shape (B, N, C, fH, fW).
            inputs (Mapping[str, Any]): With the calibration.

        Returns:
            tuple[Tensor, Tensor]: BEV feature (B, Z * C, Y, X) or voxel feature (B, C, X, Y, Z), and the depth logits
            (B * N, D, fH, fW). With ``reuse_buffer`` of the view transform, a further call overwrites the feature.
        """
        return self.view_transform(img_feats, inputs)

    def encode_grid(self, lifted: Tensor, inputs: Mapping[str, Any]) -> Tensor:
        """Third step: the feature that the head reads.

        Args:
            lifted (Tensor): Feature of :meth:`lift`.
            inputs (Mapping[str, Any]): Inputs of the model, for a child that reads more of them.

        Returns:
            Tensor: Shape (B, C, Y, X) or (B, C, X, Y, Z).
        """
        return self.grid_neck(self.grid_backbone(lifted))

    def decode(self, grid_feat: Tensor) -> dict[str, Tensor]:
        """Fourth step: ``bev_feat`` (B, C, Y, X) or ``voxel_feat`` (B, C, X, Y, Z), and ``occ_logits``.

        Returns:
            dict[str, Tensor]: The feature under its name, and ``occ_logits`` (B, X, Y, Z, K).
        """
        name = 'bev_feat' if grid_feat.dim() == 4 else 'voxel_feat'
        return {name: grid_feat, 'occ_logits': self.occ_head(grid_feat)}

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the head, of rays and ``loss_depth`` of the view transform, as configured."""
        losses = self.losses_of_logits(outputs, data_samples)
        return {**losses, **self.view_transform.loss(outputs['depth_logits'], data_samples)}
