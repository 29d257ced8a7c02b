"""Losses along rays for any occupancy model. B batch, X/Y/Z voxels, K classes of which the last is free."""

from collections.abc import Mapping, Sequence

from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.occupancy.structures import check_box

from .targets import stack_targets
from .view import DENSITIES, RayView, class_volume


@MODELS.register_module()
class LidarRaySupervision(nn.Module):
    """Train voxel logits by where LiDAR rays ended, and on what: ``ray_supervision`` of an occupancy model.

    It has no parameters and does nothing in testing.

    Source: the idea of RenderOcc (arXiv:2309.09502); the README of ``projects.renderocc`` says what differs.

    Args:
        geometry (dict): Config of :class:`RaySampleGeometry`; directions have length 1, so ``t_range`` and ``step`` are
            distances in metres.
        losses (Mapping[str, dict]): Configs of losses of a :class:`RayView`, by names that begin with ``loss_``.
        voxel_losses (bool): Whether the losses of the model's head on voxel labels stay. Without them the train
            pipeline needs no ``LoadOccupancyLabels``. Defaults to True.
        density (str): 'log_odds' or 'softplus_free', see :class:`VolumeRenderingConnector`. Defaults to 'log_odds',
            which knows what the prediction knows: the odds of free space against all other classes.
        density_scale (float, optional): Factor on the density. Defaults to None: one over the shortest edge of a voxel,
            so that a path of one edge ends with the probability that the voxel is not free.
        semantics_threshold (float): Samples of smaller weight add nothing to the classes. Defaults to 1e-4.
    """

    def __init__(
        self,
        geometry: dict,
        losses: Mapping[str, dict],
        voxel_losses: bool = True,
        density: str = 'log_odds',
        density_scale: float | None = None,
        semantics_threshold: float = 1e-4,
    ) -> None:
        super().__init__()
        if density not in DENSITIES:
            raise ValueError(f'density must be one of {DENSITIES}, got {density!r}')
        if not losses or not all(name.startswith('loss_') for name in losses):
            raise ValueError(f'losses need names that begin with loss_, got {list(losses)}')
        self.geometry = MODELS.build(geometry)
        self.losses = nn.ModuleDict({name: MODELS.build(loss) for name, loss in losses.items()})
        self.voxel_losses, self.density = voxel_losses, density
        self.density_scale = 1 / self.geometry.voxel_size if density_scale is None else density_scale
        self.semantics_threshold = semantics_threshold

    def forward(self, occ_logits: Tensor, data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            occ_logits (Tensor): Shape (B, X, Y, Z, K).
            data_samples (Sequence[OccDataSample]): With the rays of :class:`DrawLidarRays`.

        Returns:
            dict[str, Tensor]: A scalar for each of ``losses``.

        Raises:
            ValueError: If a sample has no rays, or lies in another box than the geometry.
        """
        check_box(self.geometry.grid.point_cloud_range, data_samples, 'the geometry of the rays')
        targets = stack_targets(data_samples)
        samples = self.geometry(targets.rays_o, targets.rays_d)
        volume = class_volume(occ_logits, self.density)
        view = RayView(volume, samples, targets, self.density_scale, self.semantics_threshold)
        return {name: loss(view) for name, loss in self.losses.items()}
