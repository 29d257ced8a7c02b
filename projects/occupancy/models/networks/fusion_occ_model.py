"""LiDAR-camera occupancy: the fusion teacher.

Shape letters: B batch, C channels, X/Y BEV cells.
"""

from collections.abc import Mapping
from typing import Any

from mmdet3d.registry import MODELS
from torch import Tensor

from .lidar_occ_model import single_map
from .lss_occ_model import LSSOccModel


@MODELS.register_module()
class FusionOccModel(LSSOccModel):
    """Camera and LiDAR branches in BEV, joined by concatenation, convolution and a channel gate (RadOcc's teacher).

    Further arguments are those of :class:`LSSOccModel`, whose view transform and encoder are the camera branch, in BEV.

    Args:
        pts_encoder (dict): Config of the encoder from points to a BEV feature.
        pts_backbone (dict): Config of the BEV backbone of the LiDAR branch.
        pts_neck (dict): Config of the BEV neck of the LiDAR branch.
        fuser (dict): Config of the fusion of [camera, LiDAR].
    """

    INPUTS = (*LSSOccModel.INPUTS, 'points')

    def __init__(
        self,
        img_backbone: dict,
        img_neck: dict,
        view_transform: dict,
        grid_backbone: dict,
        grid_neck: dict,
        pts_encoder: dict,
        pts_backbone: dict,
        pts_neck: dict,
        fuser: dict,
        occ_head: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        ray_supervision: dict | None = None,
    ) -> None:
        parts = (img_backbone, img_neck, view_transform, grid_backbone, grid_neck, occ_head)
        super().__init__(*parts, data_preprocessor, init_cfg, ray_supervision)
        self.pts_encoder = MODELS.build(pts_encoder)
        self.pts_backbone = MODELS.build(pts_backbone)
        self.pts_neck = MODELS.build(pts_neck)
        self.fuser = MODELS.build(fuser)

    def encode_grid(self, lifted: Tensor, inputs: Mapping[str, Any]) -> Tensor:
        """BEV feature (B, C, Y, X) of the camera branch, fused with that of ``points``; see the parent."""
        return self.fuser([super().encode_grid(lifted, inputs), self.encode_points(inputs)])

    def encode_points(self, inputs: Mapping[str, Any]) -> Tensor:
        """BEV feature (B, C, Y, X) of ``points``."""
        return single_map(self.pts_neck(self.pts_backbone(self.pts_encoder(inputs['points']))))
