"""Camera-only occupancy by lift-splat: FlashOcc (BEV) and BEVDet-Occ (voxels).

Shape letters: B batch, N cameras, C channels, D depth bins, fH x fW feature map, X/Y/Z voxels, K classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet3d.registry import MODELS
from torch import Tensor

from projects.models import require_inputs

from .base_occ_detector import BaseOccDetector

CAMERA_INPUTS = ('imgs', 'cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')


@MODELS.register_module()
class LSSOccDetector(BaseOccDetector):
    """Image backbone, view transform, encoder in the grid, head.

    The same class serves BEV and voxel models: the view transform decides (``collapse_z``), and the encoder and the
    head have to fit.

    Args:
        img_backbone (dict): Config of the image backbone.
        img_neck (dict): Config of the neck, which returns one feature map.
        view_transform (dict): Config of the view transform.
        occ_head (dict): Config of the head.
        grid_backbone (dict): Config of the BEV or voxel encoder.
        grid_neck (dict): Config of the neck that joins its stages.
        data_preprocessor (dict, optional): Config of the data preprocessor. Defaults to OccDataPreprocessor.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

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
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.occ_head = MODELS.build(occ_head)
        self.img_backbone = MODELS.build(img_backbone)
        self.img_neck = MODELS.build(img_neck)
        self.view_transform = MODELS.build(view_transform)
        self.grid_backbone = MODELS.build(grid_backbone)
        self.grid_neck = MODELS.build(grid_neck)

    def extract_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs of the camera model.

        Args:
            inputs (Mapping[str, Any]): ``imgs`` and the calibration.
            data_samples (Sequence[OccDataSample], optional): Unused. Defaults to None.

        Returns:
            dict[str, Tensor]: ``img_feats`` (B, N, C, fH, fW), ``depth_logits`` (B * N, D, fH, fW), ``bev_feat``
            (B, C, Y, X) or ``voxel_feat`` (B, C, X, Y, Z), and ``occ_logits`` (B, X, Y, Z, K).
        """
        require_inputs(inputs, CAMERA_INPUTS, type(self).__name__)
        img_feats = self.extract_img_feats(self.img_backbone, self.img_neck, inputs['imgs'])
        lifted, depth_logits = self.view_transform(img_feats, inputs)
        grid_feat = self.grid_neck(self.grid_backbone(lifted))
        name = 'bev_feat' if grid_feat.dim() == 4 else 'voxel_feat'
        return {
            'img_feats': img_feats,
            'depth_logits': depth_logits,
            name: grid_feat,
            'occ_logits': self.occ_head(grid_feat),
        }

    def loss_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of the head and, when configured, ``loss_depth`` of the view transform."""
        losses = self.occ_head.loss(outputs['occ_logits'], data_samples)
        return {**losses, **self.view_transform.loss(outputs['depth_logits'], data_samples)}
