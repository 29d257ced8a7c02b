"""Connector that renders voxel logits along rays."""

from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.rendering import RaySamples, RenderedRays, render_occupancy_samples


@MODELS.register_module()
class VolumeRenderingConnector(nn.Module):
    """Render occupancy logits along rays. It has no parameters.

    Source: RadOcc, volume rendering of the voxel prediction; density and sampling as in the author's code.

    Args:
        density (str): 'softplus_free': softplus of the negated free logit (author's code). 'log_odds': the same with
            the log-odds of free space, which suits teachers trained by cross-entropy alone, whose logits are known up
            to a constant per voxel. 'prob': a path of one voxel ends with the probability of being occupied. Defaults
            to 'softplus_free'.
        density_scale (float): Factor on the density. Defaults to 1.0.
        semantics_threshold (float): Samples of smaller weight add nothing to the semantics; weights are not touched.
            Defaults to 1e-4 (not from the paper).
        voxel_size (float, optional): Metres, used by 'prob' only. Defaults to None: that of the grid of the rays.
        geometry (dict, optional): Config of :class:`RaySampleGeometry`, for rays that were not prepared by the sampler
            (for instance whole images). Defaults to None.
        chunk (int, optional): Unprepared rays rendered at a time, per sample. Defaults to all.
    """

    def __init__(
        self,
        density: str = 'softplus_free',
        density_scale: float = 1.0,
        semantics_threshold: float = 1e-4,
        voxel_size: float | None = None,
        geometry: dict | None = None,
        chunk: int | None = None,
    ) -> None:
        super().__init__()
        self.density = density
        self.density_scale = density_scale
        self.semantics_threshold = semantics_threshold
        self.voxel_size = voxel_size
        self.geometry = MODELS.build(geometry) if geometry is not None else None
        self.chunk = chunk

    def forward(self, occ_logits: Tensor, rays: dict[str, Any]) -> dict[str, Tensor]:
        """Render.

        Args:
            occ_logits (Tensor): Shape (B, X, Y, Z, K), free space last, in the frame of the rays.
            rays (dict): Output of :class:`CameraRaySampler`, or at least ``rays_o`` and ``rays_d``.

        Returns:
            dict[str, Tensor]: ``weights`` (B, R, S), ``depths`` (B, R), ``semantics`` (B, R, K - 1) and ``opacities``
            (B, R), float32.

        Raises:
            ValueError: If the rays are not prepared and the connector has no geometry, or the grid does not fit.
        """
        if 'samples' in rays:
            return self._render(occ_logits, rays['samples'], rays.get('voxel_size')).as_dict()
        if self.geometry is None:
            raise ValueError('rays are not prepared: set `geometry` of the ray sampler, or of VolumeRenderingConnector')
        rays_o, rays_d = rays['rays_o'], rays['rays_d']
        size = self.chunk or rays_o.shape[1]
        edge = self.geometry.voxel_size
        parts = [
            self._render(occ_logits, self.geometry(rays_o[:, i : i + size], rays_d[:, i : i + size]), edge).as_dict()
            for i in range(0, rays_o.shape[1], size)
        ]
        return {name: torch.cat([part[name] for part in parts], dim=1) for name in parts[0]}

    def _render(self, occ_logits: Tensor, samples: RaySamples, voxel_size: float | None) -> RenderedRays:
        size = voxel_size if self.voxel_size is None else self.voxel_size
        if size is None and self.density == 'prob':
            raise ValueError(
                "density='prob' needs voxel_size, which these rays do not have: set it in VolumeRenderingConnector"
            )
        edge: dict[str, Any] = {} if size is None else {'voxel_size': size}
        return render_occupancy_samples(
            occ_logits,
            samples,
            **edge,
            density=self.density,
            density_scale=self.density_scale,
            semantics_threshold=self.semantics_threshold,
        )
