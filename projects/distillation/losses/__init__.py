"""Generic distillation losses: one file per loss, a function of tensors and a registered module that calls it."""

from .affinity import AffinityMatchLoss, affinity_loss
from .by_group import GroupedFeatureLoss, GroupedLogitLoss, grouped_logit_loss
from .cwd import CWDLoss, channel_wise_divergence
from .feature import FeatureMatchLoss, feature_distance
from .kl_divergence import LogitKLLoss, class_divergence, kl_divergence, standardise
from .sampled_affinity import SampledAffinityLoss, sampled_affinity_loss

__all__ = [
    'AffinityMatchLoss',
    'CWDLoss',
    'FeatureMatchLoss',
    'GroupedFeatureLoss',
    'GroupedLogitLoss',
    'LogitKLLoss',
    'SampledAffinityLoss',
    'affinity_loss',
    'channel_wise_divergence',
    'class_divergence',
    'feature_distance',
    'grouped_logit_loss',
    'kl_divergence',
    'sampled_affinity_loss',
    'standardise',
]
