"""Response distillation: focal weight on the gap of log depth.

Shape letters: B batch, H x W map.
"""

from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.means import masked_mean
from projects.compute.precision import computed_dtype

from .guidance import check_mode, guided_mean, resize_log_scale


def focal_depth_weight(gap: Tensor, gamma: float = 1.0, tau: float = 0.1) -> Tensor:
    r"""Focal weight :math:`w = (1 - e^{-D / \tau})^\gamma` of a log-depth gap; no gradient flows through it.

    Source: focal loss (arXiv:1708.02002) carried over to regression; the paper names focal-depth-adapted response
    distillation, the form is a default, not from it.

    Args:
        gap (Tensor): D, not negative. Any shape.
        gamma (float): Exponent; 0 gives weight one everywhere. Defaults to 1.0.
        tau (float): Gap at which the base reaches 1 - 1/e. Defaults to 0.1.

    Returns:
        Tensor: Same shape, in [0, 1].
    """
    return (1 - (-gap.detach() / tau).exp()) ** gamma


def focal_depth_loss(
    student_depth: Tensor,
    teacher_depth: Tensor,
    log_scale: Tensor | None = None,
    mask: Tensor | None = None,
    guidance: str = 'none',
    gamma: float = 1.0,
    tau: float = 0.1,
    beta: float = 1.0,
) -> Tensor:
    r"""Focal log-L1 distance of two depth maps.

    .. math:: D = |\ln z_S - \ln z_T|, \quad \ell = \frac{w}{\bar w} D, \quad w = (1 - e^{-D / \tau})^\gamma

    The mean of :math:`\ell` is :math:`\sum w D / \sum w`; guidance weighs it further.

    Args:
        student_depth (Tensor): Depth in metres, positive. Shape (B, H, W).
        teacher_depth (Tensor): Same shape; no gradient flows to it.
        log_scale (Tensor, optional): Student's log-scale for the guidance. Same shape. Defaults to None.
        mask (Tensor, optional): Places that count, bool. Same shape. Defaults to None (all).
        guidance (str): 'none', 'nll' or 'emphasize', see ``guided_mean``. Defaults to 'none'.
        gamma (float): Focal exponent; 0 is plain log-L1. Defaults to 1.0.
        tau (float): Focal scale. Defaults to 0.1.
        beta (float): Strength of 'emphasize'. Defaults to 1.0.

    Returns:
        Tensor: Scalar.

    Raises:
        ValueError: If shapes differ.
    """
    if student_depth.shape != teacher_depth.shape:
        raise ValueError(
            f'student_depth {tuple(student_depth.shape)} and teacher_depth {tuple(teacher_depth.shape)} must agree'
        )
    dtype = computed_dtype(student_depth)
    gap = (student_depth.to(dtype).log() - teacher_depth.detach().to(dtype).clamp_min(1e-6).log()).abs()
    weight = focal_depth_weight(gap, gamma, tau)
    values = weight / masked_mean(weight, mask).clamp_min(1e-6) * gap
    return guided_mean(values, log_scale, guidance, mask, beta)


@MODELS.register_module()
class FocalDepthLoss(nn.Module):
    """Module of :func:`focal_depth_loss` on dense depth maps.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 0.1 (not from the paper).
        gamma (float): Focal exponent; 0 is plain log-L1. Defaults to 1.0.
        tau (float): Focal scale, in log depth. Defaults to 0.1.
        guidance (str): 'none', 'nll' or 'emphasize'. Defaults to 'nll'.
        beta (float): Strength of 'emphasize'. Defaults to 1.0.
        detach_scale (bool): Whether 'nll' leaves the student's log-scale alone. Defaults to False.
        min_depth (float): Teacher's depth must be larger, in metres. Defaults to 1e-3.
        max_depth (float): Teacher's depth must be smaller, in metres. Defaults to 80.0.
        max_teacher_error (float, optional): Where there is true depth, pixels whose teacher is off by a larger share of
            it do not count. Defaults to None (off).
    """

    def __init__(
        self,
        loss_weight: float = 0.1,
        gamma: float = 1.0,
        tau: float = 0.1,
        guidance: str = 'nll',
        beta: float = 1.0,
        detach_scale: bool = False,
        min_depth: float = 1e-3,
        max_depth: float = 80.0,
        max_teacher_error: float | None = None,
    ) -> None:
        super().__init__()
        if gamma < 0 or tau <= 0:
            raise ValueError(f'gamma must not be negative and tau must be positive, got gamma={gamma}, tau={tau}')
        self.loss_weight = loss_weight
        self.gamma, self.tau = gamma, tau
        self.guidance = check_mode(guidance)
        self.beta = beta
        self.detach_scale = detach_scale
        self.min_depth, self.max_depth = min_depth, max_depth
        self.max_teacher_error = max_teacher_error

    def forward(
        self,
        student_depth: Tensor,
        teacher_depth: Tensor,
        log_scale: Tensor | None = None,
        gt_depth: Tensor | None = None,
        valid_mask: Tensor | None = None,
    ) -> Tensor:
        """Weighted loss.

        Args:
            student_depth (Tensor): Metres. Shape (B, 1, H, W).
            teacher_depth (Tensor): Metres. Shape (B, 1, H, W).
            log_scale (Tensor, optional): Student's log-scale. Shape (B, 1, H, W).
            gt_depth (Tensor, optional): True depth in metres, 0 = none, needed with ``max_teacher_error``. Shape
                (B, H, W).
            valid_mask (Tensor, optional): Pixels that are not padding. Shape (B, H, W), bool.

        Returns:
            Tensor: Scalar.

        Raises:
            ValueError: If ``max_teacher_error`` is set and ``gt_depth`` is missing.
        """
        student, teacher = student_depth[:, 0], teacher_depth[:, 0].detach()
        mask = (teacher > self.min_depth) & (teacher < self.max_depth)
        if valid_mask is not None:
            mask = mask & valid_mask
        if self.max_teacher_error is not None:
            mask = mask & self._reliable(teacher, gt_depth, self.max_teacher_error)
        height, width = student.shape[-2:]
        scale = resize_log_scale(log_scale, (height, width))
        if scale is not None and self.detach_scale:
            scale = scale.detach()
        value = focal_depth_loss(student, teacher, scale, mask, self.guidance, self.gamma, self.tau, self.beta)
        return self.loss_weight * value

    @staticmethod
    def _reliable(teacher: Tensor, gt_depth: Tensor | None, max_error: float) -> Tensor:
        if gt_depth is None:
            raise ValueError("max_teacher_error needs gt_depth; wire 'data.gt_depth' to it in loss_inputs")
        return (gt_depth <= 0) | ((teacher - gt_depth).abs() <= max_error * gt_depth)
