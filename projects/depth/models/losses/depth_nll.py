"""Negative log-likelihood of depth with a predicted scale per pixel."""

from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .pixels import known_pixels, pick_pixels

LIKELIHOODS = ('laplace', 'gaussian')


def scale_nll(error: Tensor, log_scale: Tensor, likelihood: str = 'laplace') -> Tensor:
    r"""Negative log-likelihood of errors under a predicted scale, without its constant.

    Laplace, ``log_scale`` :math:`s = \ln b`: :math:`e^{-s} |e| + s`. Gaussian, :math:`s = \ln \sigma^2`:
    :math:`\frac{1}{2} e^{-s} e^2 + \frac{1}{2} s`.

    Args:
        error (Tensor): Errors. Any shape.
        log_scale (Tensor): s. Same shape.
        likelihood (str): 'laplace' or 'gaussian'. Defaults to 'laplace'.

    Returns:
        Tensor: Value of each element; it may be negative.

    Raises:
        ValueError: If the likelihood is unknown.
    """
    if likelihood not in LIKELIHOODS:
        raise ValueError(f'likelihood must be one of {LIKELIHOODS}, got {likelihood!r}')
    if likelihood == 'laplace':
        return (-log_scale).exp() * error.abs() + log_scale
    return 0.5 * (-log_scale).exp() * error.square() + 0.5 * log_scale


def depth_nll(
    pred_depth: Tensor,
    log_scale: Tensor,
    gt_depth: Tensor,
    likelihood: str = 'laplace',
    min_depth: float = 1e-3,
    max_depth: float | None = None,
) -> Tensor:
    """Mean :func:`scale_nll` of the log-depth error over the pixels with truth.

    Args:
        pred_depth (Tensor): Predicted depth in metres, positive. Any shape.
        log_scale (Tensor): Predicted scale of the log-depth error, see :func:`scale_nll`. Same shape.
        gt_depth (Tensor): True depth in metres, 0 = none. Same shape.
        likelihood (str): 'laplace' or 'gaussian'. Defaults to 'laplace'.
        min_depth (float): Pixels count where the truth is larger. Defaults to 1e-3.
        max_depth (float, optional): Pixels count where the truth is not larger. Defaults to None.

    Returns:
        Tensor: Scalar, float32; 0 with a zero gradient when no pixel counts.
    """
    if not pred_depth.shape == log_scale.shape == gt_depth.shape:
        raise ValueError(
            f'pred_depth {tuple(pred_depth.shape)}, log_scale {tuple(log_scale.shape)} and gt_depth '
            f'{tuple(gt_depth.shape)} must agree'
        )
    known = known_pixels(gt_depth, min_depth, max_depth)
    pred, scale, truth, weight = pick_pixels(known, pred_depth, log_scale, gt_depth)
    values = scale_nll(pred.log() - truth.log(), scale, likelihood)
    return (weight * values).sum() / weight.sum().clamp_min(1)


@MODELS.register_module()
class DepthNLLLoss(nn.Module):
    """Module of :func:`depth_nll`.

    Args:
        likelihood (str): 'laplace' or 'gaussian'. Defaults to 'laplace' (not from a paper).
        loss_weight (float): Weight of the loss. Defaults to 0.1 (not from a paper).
        min_depth (float): Smallest true depth in metres. Defaults to 1e-3.
        max_depth (float, optional): Largest true depth in metres. Defaults to None.
        detach_depth (bool): Whether only the scale learns from this loss. Defaults to False.
    """

    def __init__(
        self,
        likelihood: str = 'laplace',
        loss_weight: float = 0.1,
        min_depth: float = 1e-3,
        max_depth: float | None = None,
        detach_depth: bool = False,
    ) -> None:
        super().__init__()
        if likelihood not in LIKELIHOODS:
            raise ValueError(f'likelihood must be one of {LIKELIHOODS}, got {likelihood!r}')
        self.likelihood = likelihood
        self.loss_weight = loss_weight
        self.min_depth, self.max_depth = min_depth, max_depth
        self.detach_depth = detach_depth

    def forward(self, pred_depth: Tensor, log_scale: Tensor, gt_depth: Tensor) -> Tensor:
        """Weighted loss of maps of one shape; 0 in ``gt_depth`` does not count."""
        pred_depth = pred_depth.detach() if self.detach_depth else pred_depth
        value = depth_nll(pred_depth, log_scale, gt_depth, self.likelihood, self.min_depth, self.max_depth)
        return self.loss_weight * value
