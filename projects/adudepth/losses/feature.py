"""Feature distillation between adapted student features and teacher features.

Shape letters: B batch, C channels, H x W feature map.
"""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from projects.compute.precision import computed_dtype

from .guidance import check_mode, guided_mean, resize_log_scale, resize_mask

DISTANCES = ('mse', 'l1', 'cosine')


def feature_distance_map(student_feat: Tensor, teacher_feat: Tensor, distance: str = 'mse') -> Tensor:
    r"""Distance of two feature maps at each place, after normalising the channels of each place.

    .. math:: \ell(p) = \frac{1}{C} \| n(F_S(p)) - n(F_T(p)) \|^2

    with n = LayerNorm over channels without parameters; 'l1' takes the absolute difference, 'cosine' one minus the
    cosine.

    Args:
        student_feat (Tensor): Shape (B, C, H, W).
        teacher_feat (Tensor): Same shape; no gradient flows to it.
        distance (str): 'mse', 'l1' or 'cosine'. Defaults to 'mse'.

    Returns:
        Tensor: Shape (B, H, W), float32 at least.

    Raises:
        ValueError: If shapes differ or the distance is unknown.
    """
    if student_feat.shape != teacher_feat.shape:
        raise ValueError(
            f'student_feat {tuple(student_feat.shape)} and teacher_feat {tuple(teacher_feat.shape)} must agree; '
            'give both decoders the same channels, or put a ProjectionConnector before the loss'
        )
    if distance not in DISTANCES:
        raise ValueError(f'distance must be one of {DISTANCES}, got {distance!r}')
    dtype = computed_dtype(student_feat)
    student, teacher = student_feat.to(dtype), teacher_feat.detach().to(dtype)
    if distance == 'cosine':
        return 1 - F.cosine_similarity(student, teacher, dim=1)
    channels = (student.shape[1],)
    difference = F.layer_norm(student.movedim(1, -1), channels) - F.layer_norm(teacher.movedim(1, -1), channels)
    return (difference.square() if distance == 'mse' else difference.abs()).mean(-1)


@MODELS.register_module()
class AdaptedFeatureLoss(nn.Module):
    """Distance of one level's features, guided by the student's uncertainty.

    The student's features come through an ``AttentionConnector``. Errors of features have other units than those of
    depth, so 'nll' adds a learnt offset to the log-scale.

    Source: the paper names attention-adapted feature distillation; distance and guidance are defaults, not from it.

    Args:
        loss_weight (float): Weight of this level. Defaults to 1.0.
        distance (str): 'mse', 'l1' or 'cosine'. Defaults to 'mse'.
        guidance (str): 'none', 'nll' or 'emphasize', see ``guided_mean``. Defaults to 'nll'.
        beta (float): Strength of 'emphasize'. Defaults to 1.0.
        detach_scale (bool): Whether 'nll' leaves the student's log-scale alone and trains the offset only. Defaults to
            False.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        distance: str = 'mse',
        guidance: str = 'nll',
        beta: float = 1.0,
        detach_scale: bool = False,
    ) -> None:
        super().__init__()
        if distance not in DISTANCES:
            raise ValueError(f'distance must be one of {DISTANCES}, got {distance!r}')
        self.loss_weight = loss_weight
        self.distance = distance
        self.guidance = check_mode(guidance)
        self.beta = beta
        self.detach_scale = detach_scale
        self.log_scale_offset = nn.Parameter(torch.zeros(())) if guidance == 'nll' else None

    def forward(
        self,
        student_feat: Tensor,
        teacher_feat: Tensor,
        log_scale: Tensor | None = None,
        valid_mask: Tensor | None = None,
    ) -> Tensor:
        """Weighted loss.

        Args:
            student_feat (Tensor): Adapted features of the student. Shape (B, C, h, w).
            teacher_feat (Tensor): Features of the teacher. Shape (B, C, h, w).
            log_scale (Tensor, optional): Student's log-scale of depth. Shape (B, 1, H, W).
            valid_mask (Tensor, optional): Pixels that are not padding. Shape (B, H, W), bool.

        Returns:
            Tensor: Scalar.
        """
        values = feature_distance_map(student_feat, teacher_feat, self.distance)
        size = (values.shape[-2], values.shape[-1])
        scale = resize_log_scale(log_scale, size)
        if scale is not None and self.log_scale_offset is not None:
            scale = (scale.detach() if self.detach_scale else scale) + self.log_scale_offset
        mask = resize_mask(valid_mask, size)
        return self.loss_weight * guided_mean(values, scale, self.guidance, mask, self.beta)
