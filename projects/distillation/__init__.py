"""Distillation of any student from any frozen teacher, wired by configuration."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from .connectors import IdentityConnector, ProjectionConnector
from .distiller import Distiller
from .hooks import DistillWarmupHook, TeacherRecordHook
from .losses import (
    AffinityMatchLoss,
    CWDLoss,
    FeatureMatchLoss,
    LogitKLLoss,
    affinity_loss,
    channel_wise_divergence,
    feature_distance,
    kl_divergence,
)
from .teacher import FrozenTeacher

__all__ = [
    'AffinityMatchLoss',
    'CWDLoss',
    'DistillWarmupHook',
    'Distiller',
    'FeatureMatchLoss',
    'FrozenTeacher',
    'IdentityConnector',
    'LogitKLLoss',
    'ProjectionConnector',
    'TeacherRecordHook',
    'affinity_loss',
    'channel_wise_divergence',
    'feature_distance',
    'kl_divergence',
]
