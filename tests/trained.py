"""Small models as a user has them after training: a config, a checkpoint, a data set, and what testing predicts."""

import torch
from mmengine.hooks import Hook
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings

from projects.engine import SafeRunner, read_config, save_checkpoint_atomic, seed_everything


def write_weights(config, path, prefix=''):
    """Initial weights of the model of a config, from a seed, under names with a prefix."""
    import_modules_from_strings(**config.custom_imports)
    init_default_scope(config.default_scope)
    seed_everything(0)
    model = MODELS.build(config.model)
    model.init_weights()
    # Running statistics of their own, so that a model that forgets to be in eval mode is found out.
    state = {k: v + 0.1 * torch.rand_like(v) if 'running' in k else v for k, v in model.state_dict().items()}
    save_checkpoint_atomic({'state_dict': {prefix + name: value for name, value in state.items()}}, path)
    return path


class _Keep(Hook):
    def __init__(self):
        self.samples = []

    def after_test_iter(self, runner, batch_idx, data_batch, outputs=None):
        self.samples += outputs


def samples_of_testing(path, checkpoint, root, work_dir, **options):
    """Samples of ``tools/test.py``: the Runner that it builds, with a hook that keeps them."""
    cfg = read_config(path, {'test_dataloader.dataset.data_root': str(root), **options})
    cfg.update(launcher='none', work_dir=str(work_dir), load_from=str(checkpoint), resume=False, log_level='WARNING')
    cfg.test_dataloader.num_workers = 0
    runner: Runner = SafeRunner.from_cfg(cfg)
    keep = _Keep()
    runner.register_hook(keep)
    runner.test()
    return keep.samples
