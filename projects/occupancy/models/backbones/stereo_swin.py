"""Swin Transformer for models with temporal stereo.

Shape letters: B images, C channels, h x w a quarter of the image.
"""

from collections.abc import Sequence

from mmdet.models.backbones import SwinTransformer
from mmdet3d.registry import MODELS
from torch import nn


@MODELS.register_module()
class StereoSwinTransformer(SwinTransformer):
    """mmdet's Swin Transformer whose first output is the first stage as it is, to be matched between keyframes.

    mmdet normalises every output by a layer of its own. BEVDet and FlashOcc match the features before that, and no
    gradient passes the matching, so the weights of such a layer would never learn, which stops distributed training.

    Args:
        embed_dims (int): C, channels of the first stage; each stage has twice those of the one before. Defaults to 128.
        depths (Sequence[int]): Blocks of each stage. Defaults to (2, 2, 18, 2), Swin-B.
        num_heads (Sequence[int]): Heads of each stage. Defaults to (4, 8, 16, 32).
        window_size (int): Cells of a window along an axis. Defaults to 12.
        drop_path_rate (float): Stochastic depth of the last block. Defaults to 0.1.
        out_indices (Sequence[int]): Stages that are returned; the first one is 0. Defaults to (0, 2, 3).
        with_cp (bool): Compute blocks again in the backward pass instead of keeping them. Defaults to False.
        convert_weights (bool): Whether the ImageNet weights have the names of Swin's authors. Defaults to False.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.

    Raises:
        ValueError: If the first of ``out_indices`` is not 0.
    """

    def __init__(
        self,
        embed_dims: int = 128,
        depths: Sequence[int] = (2, 2, 18, 2),
        num_heads: Sequence[int] = (4, 8, 16, 32),
        window_size: int = 12,
        drop_path_rate: float = 0.1,
        out_indices: Sequence[int] = (0, 2, 3),
        with_cp: bool = False,
        convert_weights: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        if not out_indices or out_indices[0] != 0:
            raise ValueError(f'out_indices needs stage 0, which is matched, in front, got {tuple(out_indices)}')
        super().__init__(
            embed_dims=embed_dims,
            depths=depths,
            num_heads=num_heads,
            window_size=window_size,
            drop_path_rate=drop_path_rate,
            out_indices=out_indices,
            with_cp=with_cp,
            convert_weights=convert_weights,
            init_cfg=init_cfg,
        )
        self.norm0 = nn.Identity()
