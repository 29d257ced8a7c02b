"""What a Runner needs and MMEngine lacks: safe files, exact resume, CPU process groups and config checks."""

from projects.fileio import atomic_write, restricted_load, restricted_npz

from .amp import CpuAutocastOptimWrapper, enable_amp
from .checkpoint import (
    CheckpointError,
    check_state_dict,
    file_sha256,
    load_checkpoint_safe,
    save_checkpoint_atomic,
    to_plain,
)
from .config import CONFIG_VARIABLES, check_config_keys, explain_unknown_argument
from .distributed import close_process_group, setup_cpu_process_group
from .hooks import DeterministicResumeHook, SafeCheckpointHook
from .memory import keep_freed_memory
from .models import load_trained_model
from .runner import SafeRunner, list_checkpoints
from .seeding import EpochCounter, SeededDatasetMixin, sample_seed, seed_everything, seeded

__all__ = [
    'CONFIG_VARIABLES',
    'CheckpointError',
    'CpuAutocastOptimWrapper',
    'DeterministicResumeHook',
    'EpochCounter',
    'SafeCheckpointHook',
    'SafeRunner',
    'SeededDatasetMixin',
    'atomic_write',
    'check_config_keys',
    'check_state_dict',
    'close_process_group',
    'enable_amp',
    'explain_unknown_argument',
    'file_sha256',
    'keep_freed_memory',
    'list_checkpoints',
    'load_checkpoint_safe',
    'load_trained_model',
    'restricted_load',
    'restricted_npz',
    'sample_seed',
    'save_checkpoint_atomic',
    'seed_everything',
    'seeded',
    'setup_cpu_process_group',
    'to_plain',
]
