"""Scale-invariant log loss in the two forms that public code uses; they are not interchangeable."""

from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .pixels import known_pixels, pick_pixels

VARIANTS = ('bts', 'toolbox')


def silog_loss(
    pred_depth: Tensor, gt_depth: Tensor, min_depth: float = 1.0, max_depth: float | None = None, focus: float = 0.85
) -> Tensor:
    r"""Scale-invariant log loss of BTS and NeWCRFs.

    .. math:: 10 \sqrt{\overline{d^2} - \lambda \bar d^2}, \quad d = \ln \hat z - \ln z

    Source: ``silog_loss`` of BTS (arXiv:1907.10326) and NeWCRFs (arXiv:2203.01502).

    Args:
        pred_depth (Tensor): Predicted depth in metres, positive. Any shape.
        gt_depth (Tensor): True depth in metres, 0 = none. Same shape.
        min_depth (float): Pixels count where the truth is larger. Defaults to 1.0.
        max_depth (float, optional): Pixels count where the truth is not larger. Defaults to None.
        focus (float): Variance focus lambda. Defaults to 0.85.

    Returns:
        Tensor: Scalar, float32; 0 with a zero gradient when no pixel counts.
    """
    difference, weight = _log_difference(pred_depth, gt_depth, min_depth, max_depth, 0.0)
    count = weight.sum()
    total = count.clamp_min(1)
    mean, square = ((weight * value).sum() / total for value in (difference, difference.square()))
    return 10 * (square - focus * mean.square()).clamp_min(1e-8).sqrt() * (count > 0)


def sig_loss(
    pred_depth: Tensor, gt_depth: Tensor, max_depth: float | None = None, eps: float = 1e-3, focus: float = 0.85
) -> Tensor:
    r"""Scale-invariant log loss of AdaBins and the Monocular-Depth-Estimation-Toolbox.

    .. math:: \sqrt{\mathrm{var}(g) + (1 - \lambda) \bar g^2}, \quad g = \ln(\hat z + \epsilon) - \ln(z + \epsilon)

    The variance is the unbiased one, and there is no factor of ten.

    Args:
        pred_depth (Tensor): Predicted depth in metres, not negative. Any shape.
        gt_depth (Tensor): True depth in metres, 0 = none. Same shape.
        max_depth (float, optional): Pixels count where the truth is not larger. Defaults to None.
        eps (float): Epsilon in metres. Defaults to 1e-3.
        focus (float): Variance focus lambda. Defaults to 0.85.

    Returns:
        Tensor: Scalar, float32; 0 with a zero gradient when fewer than two pixels count.
    """
    difference, weight = _log_difference(pred_depth, gt_depth, 0.0, max_depth, eps)
    count = weight.sum()
    mean = (weight * difference).sum() / count.clamp_min(1)
    variance = (weight * (difference - mean).square()).sum() / (count - 1).clamp_min(1)
    return (variance + (1 - focus) * mean.square()).clamp_min(1e-10).sqrt() * (count > 1)


def _log_difference(
    pred_depth: Tensor, gt_depth: Tensor, min_depth: float, max_depth: float | None, eps: float
) -> tuple[Tensor, Tensor]:
    """Log prediction minus log truth, and the weights, of :func:`pick_pixels`. Shape (P,) each."""
    if pred_depth.shape != gt_depth.shape:
        raise ValueError(f'pred_depth {tuple(pred_depth.shape)} and gt_depth {tuple(gt_depth.shape)} must agree')
    known = known_pixels(gt_depth, min_depth, max_depth)
    pred, truth, weight = pick_pixels(known, pred_depth, gt_depth)
    return (pred + eps).log() - (truth + eps).log(), weight


@MODELS.register_module()
class SILogLoss(nn.Module):
    """Module of :func:`silog_loss` and :func:`sig_loss`.

    Args:
        variant (str): 'bts' (BTS, NeWCRFs, URCDC) or 'toolbox' (AdaBins, Monocular-Depth-Estimation-Toolbox). Defaults
            to 'bts'.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
        min_depth (float): Smallest true depth of 'bts' in metres. Defaults to 1.0, its value on KITTI.
        max_depth (float, optional): Largest true depth in metres. Defaults to None.
        focus (float): Variance focus. Defaults to 0.85.
    """

    def __init__(
        self,
        variant: str = 'bts',
        loss_weight: float = 1.0,
        min_depth: float = 1.0,
        max_depth: float | None = None,
        focus: float = 0.85,
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f'variant must be one of {VARIANTS}, got {variant!r}')
        self.variant = variant
        self.loss_weight = loss_weight
        self.min_depth, self.max_depth = min_depth, max_depth
        self.focus = focus

    def forward(self, pred_depth: Tensor, gt_depth: Tensor) -> Tensor:
        """Weighted loss of two depth maps of one shape, in metres; 0 in ``gt_depth`` does not count."""
        if self.variant == 'bts':
            return self.loss_weight * silog_loss(pred_depth, gt_depth, self.min_depth, self.max_depth, self.focus)
        return self.loss_weight * sig_loss(pred_depth, gt_depth, self.max_depth, focus=self.focus)
