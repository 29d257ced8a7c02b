"""What a Runner needs and MMEngine lacks: safe files, exact resume, CPU process groups and config checks."""

from projects.fileio import atomic_write, restricted_load

from .amp import CpuAutocastOptimWrapper, enable_amp
from .checkpoint import (
    CheckpointError,
    file_sha256,
    load_checkpoint_safe,
    save_checkpoint_atomic,
    to_plain,
)
from .config import (
    RUNNER_KEYS,
    ConfigError,
    check_config_keys,
    config_of_run,
    explain_unknown_argument,
    find_config,
    naming_config_keys,
    read_config,
)
from .cpu_time import CPUTimeHook
from .device import device_problem, lay_out_weights
from .display import display_problem
from .distributed import close_process_group, end_with_launcher, setup_cpu_process_group
from .finite import FiniteTrainingHook, NonFiniteError, check_finite_losses
from .hooks import DeterministicResumeHook, SafeCheckpointHook
from .labelled_sampler import LabelledShareSampler
from .log import log_traceback
from .memory import keep_freed_memory
from .models import import_modules_of, load_plain_weights, load_trained_model, plain_model
from .named_items import NamedItemsMixin
from .parts import choose_scenes, keep_parts
from .picture_hook import PredictionPictureHook, draw_prediction, sample_name
from .picture_layout import add_title, fit_width, image_grid
from .pretrained import load_imagenet_weights
from .requirements import require_mmcv
from .resume import list_checkpoints
from .runner import SafeRunner
from .seeding import EpochCounter, SeededDatasetMixin, sample_seed, seed_everything, seeded
from .weights import WeightMatch, check_state_dict, fill_model, load_model_weights
from .workers import share_with_workers

__all__ = [
    'RUNNER_KEYS',
    'CPUTimeHook',
    'CheckpointError',
    'ConfigError',
    'CpuAutocastOptimWrapper',
    'DeterministicResumeHook',
    'EpochCounter',
    'FiniteTrainingHook',
    'LabelledShareSampler',
    'NamedItemsMixin',
    'NonFiniteError',
    'PredictionPictureHook',
    'SafeCheckpointHook',
    'SafeRunner',
    'SeededDatasetMixin',
    'WeightMatch',
    'add_title',
    'atomic_write',
    'check_config_keys',
    'check_finite_losses',
    'check_state_dict',
    'choose_scenes',
    'close_process_group',
    'config_of_run',
    'device_problem',
    'display_problem',
    'draw_prediction',
    'enable_amp',
    'end_with_launcher',
    'explain_unknown_argument',
    'file_sha256',
    'fill_model',
    'find_config',
    'fit_width',
    'image_grid',
    'import_modules_of',
    'keep_freed_memory',
    'keep_parts',
    'lay_out_weights',
    'list_checkpoints',
    'load_checkpoint_safe',
    'load_imagenet_weights',
    'load_model_weights',
    'load_plain_weights',
    'load_trained_model',
    'log_traceback',
    'naming_config_keys',
    'plain_model',
    'read_config',
    'require_mmcv',
    'restricted_load',
    'sample_name',
    'sample_seed',
    'save_checkpoint_atomic',
    'seed_everything',
    'seeded',
    'setup_cpu_process_group',
    'share_with_workers',
    'to_plain',
]

require_mmcv()
