"""What a camera sees of a rendered volume, as arrays. H x W rendered pixels, S samples along a ray."""

from dataclasses import dataclass

import numpy as np
import torch

from .render import RenderedRays


@dataclass(frozen=True)
class RenderedView:
    """One volume seen by one camera.

    Args:
        depths (np.ndarray): Mean z-depth in metres over what was hit, NaN where less than half of a ray ends. (H, W).
        semantics (np.ndarray): Most likely class of what was hit, the free id where less than half ends. (H, W).
        weights (np.ndarray): Ray termination distribution of every pixel. Shape (H, W, S).
    """

    depths: np.ndarray
    semantics: np.ndarray
    weights: np.ndarray


def view_of(rendered: RenderedRays, size: tuple[int, int]) -> RenderedView:
    """View of the rays through all pixels of an image, row by row.

    Args:
        rendered (RenderedRays): The H * W rays of one camera, without a batch dimension. What it has no weights of
            (``with_weights=False``) has none in the view (S = 0).
        size (tuple[int, int]): (H, W).
    """
    seen = rendered.opacities >= 0.5
    depths = torch.where(seen, rendered.depths / rendered.opacities.clamp_min(1e-6), torch.nan)
    classes = torch.where(seen, rendered.semantics.argmax(-1), rendered.semantics.shape[-1])
    maps = (value.view(*size, *value.shape[1:]).cpu().numpy() for value in (depths, classes, rendered.weights))
    return RenderedView(*maps)
