"""Consistency losses between two renders along the same rays. The teacher never gets a gradient.

Shape letters: B batch, R rays, S samples per ray, C rendered classes.
"""

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.asynchronous import kept
from projects.compute.means import masked_mean
from projects.compute.precision import computed_dtype, full_precision
from projects.distillation import class_divergence
from projects.rendering import ray_kl_divergence

from .segments import affinity_change, segment_means


def _hit_mask(teacher_opacities: Tensor | None, min_opacity: float) -> Tensor | None:
    return None if teacher_opacities is None else teacher_opacities.detach() >= min_opacity


def _check_pair(name: str, student: Tensor, teacher: Tensor) -> None:
    if student.shape != teacher.shape:
        raise ValueError(
            f'student_{name} {tuple(student.shape)} and teacher_{name} {tuple(teacher.shape)} must have one shape: '
            'render both models along the same rays, and give both the same classes'
        )


@MODELS.register_module()
class RayDistributionConsistencyLoss(nn.Module):
    r"""Rendered depth consistency (RDC): KL divergence of ray termination distributions.

    .. math:: L_{RDC} = \frac{1}{|R|} \sum_r \mathrm{KL}\big(p^T_r \,\|\, p^S_r\big)

    A last bin holds the probability of hitting nothing; the sum runs over bins and the mean over rays.

    Source: RadOcc, RDC. No-hit bin and clamp are defaults, not from the paper.

    Args:
        loss_weight (float): Defaults to 1.0 (not from the paper).
        legacy_softmax (bool): Take the softmax of the weights as the author's code does and average over bins, for
            comparison; its weight is 100 there. Defaults to False.
        tau (float): Temperature of ``legacy_softmax`` only. Defaults to 10.0, as in the author's code.
        eps (float): Smallest probability of a bin. Defaults to 1e-6.
    """

    def __init__(
        self, loss_weight: float = 1.0, legacy_softmax: bool = False, tau: float = 10.0, eps: float = 1e-6
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.legacy_softmax = legacy_softmax
        self.tau = tau
        self.eps = eps

    def forward(self, student_weights: Tensor, teacher_weights: Tensor, trust: Tensor | None = None) -> Tensor:
        """Compare weights of shape (B, R, S); returns a scalar.

        ``trust`` (B, R), from 0 to 1, weighs rays: see :class:`RayTrust`.
        """
        _check_pair('weights', student_weights, teacher_weights)
        if not self.legacy_softmax:
            return self.loss_weight * ray_kl_divergence(student_weights, teacher_weights, trust, self.eps)
        target = F.softmax(teacher_weights.detach().float() / self.tau, dim=-1)
        guess = F.log_softmax(student_weights.float() / self.tau, dim=-1)
        per_ray = F.kl_div(guess, target, reduction='none')
        if trust is not None:
            return self.loss_weight * masked_mean(per_ray.mean(dim=-1), None, trust) * self.tau**2
        return self.loss_weight * per_ray.mean() * self.tau**2


@MODELS.register_module()
class RenderedSemanticKLLoss(nn.Module):
    r"""KL divergence of rendered semantics, per ray.

    .. math:: L = \frac{\tau^2}{|R|} \sum_r \mathrm{KL}\big(\mathrm{softmax}(S^T_r / \tau) \,\|\,
        \mathrm{softmax}(S^S_r / \tau)\big)

    Source: author's code of RadOcc (weight 10 there, on the mean over all C entries instead of their sum).

    Args:
        loss_weight (float): Defaults to 1.0.
        tau (float): Temperature. Defaults to 1.0.
        min_opacity (float): Rays of smaller teacher opacity do not count. Defaults to 0.1.
    """

    def __init__(self, loss_weight: float = 1.0, tau: float = 1.0, min_opacity: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.tau = tau
        self.min_opacity = min_opacity

    def forward(
        self,
        student_semantics: Tensor,
        teacher_semantics: Tensor,
        teacher_opacities: Tensor | None = None,
        trust: Tensor | None = None,
    ) -> Tensor:
        """Compare semantics of shape (B, R, C), where ``teacher_opacities`` (B, R) are high enough.

        ``trust`` (B, R), from 0 to 1, weighs rays: see :class:`RayTrust`.
        """
        _check_pair('semantics', student_semantics, teacher_semantics)
        student = student_semantics.to(computed_dtype(student_semantics))
        teacher = teacher_semantics.detach().to(student.dtype)
        per_ray = class_divergence(student, teacher, self.tau, 'kl')
        mask = _hit_mask(teacher_opacities, self.min_opacity)
        return self.loss_weight * self.tau**2 * masked_mean(per_ray, mask, trust)


@MODELS.register_module()
class RenderedSemanticConsistencyLoss(nn.Module):
    r"""Rendered semantic consistency (RSC): segment-guided affinity distillation.

    .. math:: z_m = \mathrm{mean}_{r \in m} S(r), \quad C_{mn} = \frac{\langle z_m, z_n\rangle}{|z_m||z_n|}, \quad
        L_{SAD} = \mathrm{mean}_{m \ne n}\, d\big(C^T_{mn}, C^S_{mn}\big)

    Affinities are taken within an image, the mean over pairs first and then over the images that have a pair. The
    diagonal, which is one in both, is left out.

    Source: RadOcc, RSC; the distance, the scope and ``min_rays`` are defaults, not from the paper.

    Args:
        loss_weight (float): Defaults to 1.0.
        distance (str): d: 'l1' or 'l2' (squared). Defaults to 'l1'.
        min_rays (int): Segments with fewer rays are dropped. Defaults to 8.
        min_opacity (float): Rays of smaller teacher opacity do not count. Defaults to 0.1.
        max_segments (int): Segments per image that are compared, those with most rays first. Defaults to 256.
        min_trust (float): Rays of smaller ``trust`` do not count, where it is given. Defaults to 0.5.
        centred (bool): Take the mean over classes off each z, so that C is a correlation. What is the same in all
            logits of a voxel, which cross-entropy leaves open, does not count then. Defaults to False, for the cosine.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        distance: str = 'l1',
        min_rays: int = 8,
        min_opacity: float = 0.1,
        max_segments: int = 256,
        min_trust: float = 0.5,
        centred: bool = False,
    ) -> None:
        super().__init__()
        if distance not in ('l1', 'l2'):
            raise ValueError(f"distance must be 'l1' or 'l2', got {distance!r}")
        self.loss_weight = loss_weight
        self.distance = distance
        self.min_rays = min_rays
        self.min_opacity = min_opacity
        self.max_segments = max_segments
        self.min_trust = min_trust
        self.centred = centred

    def forward(
        self,
        student_semantics: Tensor,
        teacher_semantics: Tensor,
        segment_ids: Tensor,
        cam_ids: Tensor,
        num_cams: int,
        teacher_opacities: Tensor | None = None,
        trust: Tensor | None = None,
    ) -> Tensor:
        """Compare semantics (B, R, C) of rays with segments and cameras (B, R); zero when no image has two segments.

        ``num_cams`` is the number of cameras of the rig, above all ``cam_ids``: ``shared.rays.num_cams``. ``trust``
        (B, R) of :class:`RayTrust` leaves rays out, see ``min_trust``.
        """
        _check_pair('semantics', student_semantics, teacher_semantics)
        mask = _hit_mask(teacher_opacities, self.min_opacity)
        if trust is not None:
            trusted = trust >= self.min_trust
            mask = trusted if mask is None else mask & trusted
        channels = student_semantics.shape[-1]
        with full_precision(student_semantics):
            dtype = computed_dtype(student_semantics)
            both = torch.cat([student_semantics.to(dtype), teacher_semantics.detach().to(dtype)], dim=-1)
            means, exists = segment_means(
                both,
                segment_ids,
                cam_ids,
                num_cams,
                mask,
                min_rays=self.min_rays,
                max_segments=self.max_segments,
            )
            means = means.unflatten(-1, (2, channels))
            difference = affinity_change(means - means.mean(dim=-1, keepdim=True) if self.centred else means)
            distance = difference.abs() if self.distance == 'l1' else difference.square()
            others = kept(_off_diagonal, (self.max_segments,), means)
            pairs = exists[:, :, None] & exists[:, None, :] & others
            num_pairs = pairs.sum(dim=(1, 2))
            per_image = (distance * pairs).sum(dim=(1, 2)) / num_pairs.clamp_min(1)
            return self.loss_weight * per_image.sum() / (num_pairs > 0).sum().clamp_min(1)


@MODELS.register_module()
class RenderedDepthLoss(nn.Module):
    """Difference of rendered depths: what the paper's ablation rejects in favour of RDC. For comparison.

    Args:
        loss_weight (float): Defaults to 0.1, as in the author's ablation config.
        mode (str): 'smooth_l1', 'l1', 'reciprocal_l1' (of inverse depths) or 'silog' (scale-invariant log with variance
            focus 0.85). Defaults to 'smooth_l1'.
        min_opacity (float): Rays of smaller teacher opacity do not count. Defaults to 0.1.
        eps (float): Smallest depth in metres of 'reciprocal_l1' and 'silog'. Defaults to 0.1.
    """

    modes = ('smooth_l1', 'l1', 'reciprocal_l1', 'silog')

    def __init__(
        self, loss_weight: float = 0.1, mode: str = 'smooth_l1', min_opacity: float = 0.1, eps: float = 0.1
    ) -> None:
        super().__init__()
        if mode not in self.modes:
            raise ValueError(f'mode must be one of {self.modes}, got {mode!r}')
        self.loss_weight = loss_weight
        self.mode = mode
        self.min_opacity = min_opacity
        self.eps = eps

    def forward(
        self,
        student_depths: Tensor,
        teacher_depths: Tensor,
        teacher_opacities: Tensor | None = None,
        trust: Tensor | None = None,
    ) -> Tensor:
        """Compare depths of shape (B, R); returns a scalar.

        ``trust`` (B, R), from 0 to 1, weighs rays: see :class:`RayTrust`.
        """
        _check_pair('depths', student_depths, teacher_depths)
        student = student_depths.to(computed_dtype(student_depths))
        teacher = teacher_depths.detach().to(student.dtype)
        mask = _hit_mask(teacher_opacities, self.min_opacity)
        if self.mode == 'silog':
            ratio = student.clamp_min(self.eps).log() - teacher.clamp_min(self.eps).log()
            variance = masked_mean(ratio.square(), mask, trust) - 0.85 * masked_mean(ratio, mask, trust).square()
            return self.loss_weight * variance.clamp_min(1e-12).sqrt()
        if self.mode == 'reciprocal_l1':
            error = (1 / student.clamp_min(self.eps) - 1 / teacher.clamp_min(self.eps)).abs()
        elif self.mode == 'l1':
            error = (student - teacher).abs()
        else:
            error = F.smooth_l1_loss(student, teacher, reduction='none')
        return self.loss_weight * masked_mean(error, mask, trust)


def _off_diagonal(size: int, device: torch.device) -> Tensor:
    return ~torch.eye(size, dtype=torch.bool, device=device)
