"""How the student's uncertainty weighs a distillation loss pixel by pixel.

Shape letters: B batch, H x W map.
"""

from torch import Tensor
from torch.nn import functional as F

from projects.compute.means import masked_mean

MODES = ('none', 'nll', 'emphasize')


def check_mode(mode: str) -> str:
    """Return the mode.

    Raises:
        ValueError: If it is none of :data:`MODES`.
    """
    if mode not in MODES:
        raise ValueError(f'guidance must be one of {MODES}, got {mode!r}')
    return mode


def emphasis(log_scale: Tensor, mask: Tensor | None, beta: float, limit: float = 4.0) -> Tensor:
    r"""Weights that grow with the predicted scale: :math:`1 + \beta u`, :math:`u = \min(b / \bar b, 4)`.

    Args:
        log_scale (Tensor): s = ln b. Shape (B, H, W). No gradient flows to it.
        mask (Tensor, optional): Where the mean of b is taken. Shape (B, H, W), bool.
        beta (float): Strength.
        limit (float): Largest u. Defaults to 4.0.

    Returns:
        Tensor: Shape (B, H, W).
    """
    scale = log_scale.detach().exp()
    mean = masked_mean(scale, mask).clamp_min(1e-6)
    return 1 + beta * (scale / mean).clamp(0.0, limit)


def guided_mean(
    values: Tensor, log_scale: Tensor | None, mode: str = 'nll', mask: Tensor | None = None, beta: float = 1.0
) -> Tensor:
    r"""Mean of a loss per place, weighed by the student's uncertainty.

    - 'none': :math:`\overline{\ell}`.
    - 'nll': :math:`\overline{e^{-s} \ell + s}`, a likelihood: uncertain places count less, and s learns where.
    - 'emphasize': :math:`\overline{(1 + \beta u) \ell}` with :math:`u = \min(b / \bar b, 4)`: uncertain places count
      more; s does not learn from it.

    The abstract says that uncertainty guides both distillations and helps in hard regions, not how: both are defaults.

    Args:
        values (Tensor): Loss of each place. Shape (B, H, W).
        log_scale (Tensor, optional): s = ln b. Shape (B, H, W). Needed unless the mode is 'none'.
        mode (str): 'none', 'nll' or 'emphasize'. Defaults to 'nll'.
        mask (Tensor, optional): Places that count, bool. Shape (B, H, W). Defaults to None (all).
        beta (float): Strength of 'emphasize'. Defaults to 1.0.

    Returns:
        Tensor: Scalar; with 'nll' it may be negative.

    Raises:
        ValueError: If the log-scale is missing.
    """
    if mode == 'none':
        return masked_mean(values, mask)
    if log_scale is None:
        raise ValueError(f"guidance {mode!r} needs log_scale; wire 'student.log_scale' to it in loss_inputs")
    if mode == 'nll':
        return masked_mean((-log_scale).exp() * values + log_scale, mask)
    return masked_mean(emphasis(log_scale, mask, beta) * values, mask)


def resize_log_scale(log_scale: Tensor | None, size: tuple[int, int]) -> Tensor | None:
    """Log-scale (B, 1, H, W) at another size, without the channel: (B, h, w), float32."""
    if log_scale is None:
        return None
    return F.interpolate(log_scale.float(), size=size, mode='bilinear', align_corners=False)[:, 0]


def resize_mask(mask: Tensor | None, size: tuple[int, int]) -> Tensor | None:
    """Mask (B, H, W) at a smaller size: true where a whole cell is true. Shape (B, h, w)."""
    if mask is None:
        return None
    return F.adaptive_avg_pool2d(mask[:, None].float(), size)[:, 0] > 0.999
