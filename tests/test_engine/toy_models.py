"""Tiny data set, models and metric with every source of randomness that real training has."""

import itertools
import os
import random
import signal

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmengine.structures import BaseDataElement
from torch import nn

from projects.engine import SeededDatasetMixin, draw_prediction

_RUNS = itertools.count()


class ToySample(BaseDataElement):
    """Has a ``token``, a ``target`` and, predicted, a ``pred``."""


@draw_prediction.register
def draw_toy(sample: ToySample, inputs, meta):
    """A picture of 2 x 3 pixels with the number of the sample in red, and its class count in green."""
    assert inputs['x'].shape == (4,)
    return np.full((2, 3, 3), (int(sample.token[1:] or 0), len(meta['classes']), 0), np.uint8)


@TRANSFORMS.register_module()
class ToyAugment:
    """Noise from all three generators."""

    def __call__(self, results):
        noise = random.random() + np.random.rand() + torch.rand(1).item()
        results['x'] = results['x'] + 0.1 * noise
        return results


@TRANSFORMS.register_module()
class ToyPack:
    """Make inputs and a data sample."""

    def __call__(self, results):
        sample = ToySample(metainfo={'token': f't{results["sample_idx"]}'})
        sample.target = torch.tensor([float(results['y'])])
        return {'inputs': {'x': torch.as_tensor(results['x'], dtype=torch.float32)}, 'data_samples': sample}


@DATASETS.register_module()
class ToySeededDataset(SeededDatasetMixin, BaseDataset):
    """y = sum of x, with ``length`` samples."""

    METAINFO = {'classes': ('a', 'b'), 'palette': np.arange(6).reshape(2, 3)}

    def __init__(self, length=10, **kwargs):
        self.length = length
        super().__init__(**kwargs)

    def load_data_list(self):
        generator = np.random.default_rng(0)
        xs = generator.standard_normal((self.length, 4))
        return [{'x': x, 'y': x.sum()} for x in xs]


@MODELS.register_module()
class ToyPreprocessor(BaseDataPreprocessor):
    """Stack the inputs."""

    def forward(self, data, training=False):
        data = self.cast_data(data)
        return {'inputs': {'x': torch.stack(data['inputs']['x'])}, 'data_samples': data['data_samples']}


@MODELS.register_module()
class ToyNet(BaseModel):
    """Linear, BatchNorm, dropout, linear; with the contract of models that can be distilled."""

    def __init__(self, channels=8, dropout=0.3, data_preprocessor=None):
        super().__init__(data_preprocessor=data_preprocessor or {'type': 'ToyPreprocessor'})
        self.stem = nn.Sequential(nn.Linear(4, channels), nn.BatchNorm1d(channels), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, 3)

    def extract_outputs(self, inputs, data_samples=None):
        feat = self.dropout(self.stem(inputs['x']))
        return {'feat': feat, 'logits': self.head(feat)}

    def loss_by_outputs(self, outputs, data_samples):
        target = torch.stack([sample.target for sample in data_samples])
        return {'loss_toy': (outputs['logits'][:, :1] - target).square().mean()}

    def forward(self, inputs, data_samples=None, mode='tensor'):
        outputs = self.extract_outputs(inputs, data_samples)
        if mode == 'loss':
            return self.loss_by_outputs(outputs, data_samples)
        if mode == 'predict':
            for sample, logits in zip(data_samples, outputs['logits']):
                sample.pred = logits
            return data_samples
        return outputs


@MODELS.register_module()
class ToyRays(nn.Module):
    """A shared module that draws random numbers."""

    def forward(self, inputs, data_samples):
        return {'drawn': torch.rand(inputs['x'].shape[0], 1, device=inputs['x'].device)}


@MODELS.register_module()
class ToyRender(nn.Module):
    """A connector that runs for both models and remembers what it was given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, logits, rays):
        self.seen.append(rays['drawn'])
        return {'weights': logits * rays['drawn']}


@MODELS.register_module()
class ToyProjection(nn.Module):
    """A trainable connector."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 6)

    def forward(self, feat):
        return self.linear(feat)


@MODELS.register_module()
class ToyMatchLoss(nn.Module):
    """Mean squared difference of two tensors."""

    def __init__(self, loss_weight=1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, student, teacher, targets=None):
        return self.loss_weight * (student - teacher).square().mean()


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """Sum and number of predictions; one entry per sample."""

    default_prefix = 'toy'

    def process(self, data_batch, data_samples):
        for sample in data_samples:
            self.results.append((sample['token'], float(sample['pred'].double().sum())))

    def compute_metrics(self, results):
        tokens = {token for token, _ in results}
        total = sum(value for _, value in results)
        return {'count': float(len(results)), 'unique': float(len(tokens)), 'total': total}


@HOOKS.register_module()
class KillHook(Hook):
    """Kill -9 of this process in the middle of an iteration."""

    def __init__(self, at_iter):
        self.at_iter = at_iter

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == self.at_iter:
            os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class StopHook(Hook):
    """End training after some epochs."""

    def __init__(self, epochs):
        self.epochs = epochs

    def after_train_epoch(self, runner):
        if runner.epoch + 1 == self.epochs:
            runner.train_loop.stop_training = True


def toy_config(
    work_dir, model=None, epochs=4, kill_at=None, stop_after=None, workers=0, accumulate=1, ema=True, **extra
):
    """Config dict of a toy training run."""
    loader = {
        'batch_size': 3,
        'num_workers': workers,
        'persistent_workers': workers > 0,
        'sampler': {'type': 'DefaultSampler', 'shuffle': True},
        'drop_last': True,
    }
    pipeline = [{'type': 'ToyAugment'}, {'type': 'ToyPack'}]
    evaluation = {
        **loader,
        'drop_last': False,
        'persistent_workers': False,
        'num_workers': 0,
        'sampler': {'type': 'DefaultSampler', 'shuffle': False},
        'dataset': {'type': 'ToySeededDataset', 'length': 7, 'test_mode': True, 'pipeline': pipeline[1:]},
    }
    hooks = [{'type': 'EMAHook', 'momentum': 0.1}] if ema else []
    if kill_at is not None:
        hooks.append({'type': 'KillHook', 'at_iter': kill_at})
    if stop_after is not None:
        hooks.append({'type': 'StopHook', 'epochs': stop_after})
    return {
        'runner_type': 'SafeRunner',
        'custom_imports': {'imports': ['projects.engine', 'toy_models'], 'allow_failed_imports': False},
        'default_scope': 'mmengine',
        'work_dir': str(work_dir),
        'experiment_name': f'toy{next(_RUNS)}',
        'model': model or {'type': 'ToyNet'},
        'train_dataloader': {**loader, 'dataset': {'type': 'ToySeededDataset', 'length': 12, 'pipeline': pipeline}},
        'train_cfg': {'by_epoch': True, 'max_epochs': epochs, 'val_interval': 1},
        'optim_wrapper': {
            'type': 'OptimWrapper',
            'optimizer': {'type': 'AdamW', 'lr': 0.01},
            'clip_grad': {'max_norm': 1.0},
            'accumulative_counts': accumulate,
        },
        'param_scheduler': [
            {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'begin': 0, 'end': 7},
            {'type': 'CosineAnnealingLR', 'T_max': epochs, 'by_epoch': True, 'begin': 0, 'end': epochs},
        ],
        'val_dataloader': evaluation,
        'val_cfg': {},
        'val_evaluator': {'type': 'ToyMetric'},
        'test_dataloader': evaluation,
        'test_cfg': {},
        'test_evaluator': {'type': 'ToyMetric'},
        'default_hooks': {
            'checkpoint': {
                'type': 'SafeCheckpointHook',
                'interval': 1,
                'max_keep_ckpts': 2,
                'save_best': 'toy/total',
                'rule': 'greater',
            },
            'logger': {'type': 'LoggerHook', 'interval': 1},
            'deterministic': {'type': 'DeterministicResumeHook'},
            'visualization': {'type': 'PredictionPictureHook'},
        },
        'custom_hooks': hooks,
        'env_cfg': {'mp_cfg': {'mp_start_method': 'fork'}, 'dist_cfg': {'backend': 'nccl'}},
        'randomness': {'seed': 0},
        **extra,
    }


def distiller_config(teacher_ckpt):
    """Distiller of two toy nets that are compared along shared random rays."""
    return {
        'type': 'Distiller',
        'student': {'type': 'ToyNet'},
        'teacher': {'type': 'ToyNet', 'channels': 6},
        'teacher_ckpt': str(teacher_ckpt),
        'teacher_config': 'configs/toy/teacher.py',
        'data_preprocessor': {'type': 'ToyPreprocessor'},
        'shared': {'rays': {'type': 'ToyRays'}},
        'connectors': {'rendered': {'type': 'ToyRender'}},
        'connector_inputs': {'rendered': {'logits': 'model.logits', 'rays': 'shared.rays'}},
        'losses': {'loss_match': {'type': 'ToyMatchLoss'}},
        'loss_inputs': {
            'loss_match': {'student': 'student.rendered.weights', 'teacher': 'teacher.rendered.weights'},
        },
    }
