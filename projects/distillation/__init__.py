"""Distillation of any student from any frozen teacher, wired by configuration."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from .connectors import IdentityConnector, ProjectionConnector
from .distiller import Distiller
from .folding import fold_batch_norms
from .groups import ClassGroupSampler, ColumnGroups, group_of_class, groups_at
from .hooks import DistillWarmupHook, TeacherRecordHook
from .losses import (
    AffinityMatchLoss,
    CWDLoss,
    FeatureMatchLoss,
    GroupedFeatureLoss,
    GroupedLogitLoss,
    LogitKLLoss,
    SampledAffinityLoss,
    affinity_loss,
    channel_wise_divergence,
    class_divergence,
    feature_distance,
    grouped_logit_loss,
    kl_divergence,
    sampled_affinity_loss,
    standardise,
)
from .pseudo_labels import PseudoLabels
from .teacher import FrozenTeacher
from .trust import VoxelTrust, voxel_trust
from .unlabelled import labelled_frames, weigh_unlabelled

__all__ = [
    'AffinityMatchLoss',
    'CWDLoss',
    'ClassGroupSampler',
    'ColumnGroups',
    'DistillWarmupHook',
    'Distiller',
    'FeatureMatchLoss',
    'FrozenTeacher',
    'GroupedFeatureLoss',
    'GroupedLogitLoss',
    'IdentityConnector',
    'LogitKLLoss',
    'ProjectionConnector',
    'PseudoLabels',
    'SampledAffinityLoss',
    'TeacherRecordHook',
    'VoxelTrust',
    'affinity_loss',
    'channel_wise_divergence',
    'class_divergence',
    'feature_distance',
    'fold_batch_norms',
    'group_of_class',
    'grouped_logit_loss',
    'groups_at',
    'kl_divergence',
    'labelled_frames',
    'sampled_affinity_loss',
    'standardise',
    'voxel_trust',
    'weigh_unlabelled',
]
