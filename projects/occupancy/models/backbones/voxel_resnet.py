"""Residual network over a voxel feature grid.

Shape letters: B batch, C channels, X/Y/Z voxels.
"""

from collections.abc import Sequence
from contextlib import nullcontext

from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from projects.compute.precision import full_precision

from .bev_resnet import make_stages


@MODELS.register_module()
class VoxelResNet(BaseModule):
    """Voxel encoder of BEVDet-Occ: stages of 3D residual blocks, all returned.

    Args:
        in_channels (int): Channels of the voxel feature.
        channels (Sequence[int]): Channels of each stage. Defaults to (32, 64, 128).
        num_blocks (Sequence[int]): Blocks of each stage. Defaults to (1, 2, 4).
        strides (Sequence[int]): Stride of each stage. Defaults to (1, 2, 2).
        norm_cfg (dict): Normalisation. Defaults to BN3d.
        always_project (bool): Put a convolution into the shortcut of each stage's first block, also where the shape
            stays, as in the first stage of BEVDet-Occ. Needed for its released weights. Defaults to False.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int] = (32, 64, 128),
        num_blocks: Sequence[int] = (1, 2, 4),
        strides: Sequence[int] = (1, 2, 2),
        norm_cfg: dict | None = None,
        always_project: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        layers = ({'type': 'Conv3d'}, norm_cfg or {'type': 'BN3d'})
        self.stages = make_stages(in_channels, channels, num_blocks, strides, *layers, always_project=always_project)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, X, Y, Z) -> one feature grid per stage."""
        outs = []
        for stage in self.stages:
            # bfloat16 convolutions of CPUs with matrix units (AMX; oneDNN of torch 2.13) read memory that nobody wrote
            # where a stride of 2 leaves one voxel of height.
            narrow = x.device.type == 'cpu' and x.shape[-1] <= 2
            with full_precision(x) if narrow else nullcontext():
                x = stage(x.float() if narrow else x)
            outs.append(x)
        return tuple(outs)
