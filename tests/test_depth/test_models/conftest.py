"""Small parts and batches for the tests of depth models."""

import pytest
import torch
from mmdet3d.registry import MODELS

import projects.depth.models  # noqa: F401 - registers the models

CHANNELS = [8, 16, 32, 64]


def _parts():
    backbone = {
        'type': 'mmdet.ResNet',
        'depth': 18,
        'base_channels': 8,
        'num_stages': 4,
        'out_indices': (0, 1, 2, 3),
        'norm_eval': False,
        'style': 'pytorch',
    }
    return {
        'backbone': backbone,
        'decoder': {'type': 'DepthFPNDecoder', 'in_channels': CHANNELS, 'channels': 16},
        'depth_head': {
            'type': 'DepthScaleHead',
            'in_channels': 16,
            'mid_channels': 8,
            'loss_scale': {'type': 'DepthNLLLoss'},
        },
    }


@pytest.fixture
def parts():
    """Configs of a small backbone, decoder and head."""
    return _parts()


@pytest.fixture
def fuser_configs():
    """A config of each fusion."""
    return {
        'concat': {'type': 'ConcatStereoFuser', 'in_channels': CHANNELS},
        'epipolar': {'type': 'EpipolarStereoFuser', 'in_channels': CHANNELS},
        'correlation': {
            'type': 'CorrelationStereoFuser',
            'in_channels': CHANNELS,
            'max_disparity': 32,
            'match_channels': 8,
            'hidden_channels': 8,
        },
    }


@pytest.fixture
def build():
    """Build a model in a fixed state."""

    def build(config):
        torch.manual_seed(0)
        return MODELS.build(config)

    return build


@pytest.fixture
def stereo_inputs():
    """Preprocessed inputs of two pairs of 64 x 96 pixels."""
    return {
        'img': torch.randn(2, 3, 64, 96),
        'right_img': torch.randn(2, 3, 64, 96),
        'valid_mask': torch.ones(2, 64, 96, dtype=torch.bool),
        'cam2img': torch.tensor([[80.0, 0, 48], [0, 80, 32], [0, 0, 1]]).expand(2, 3, 3),
        'baseline': torch.tensor([0.5, 0.6]),
    }


@pytest.fixture
def labelled_samples():
    """Two samples with sparse depth of 64 x 96 pixels."""
    from projects.depth.structures import DepthDataSample

    samples = []
    for i in range(2):
        sample = DepthDataSample(metainfo={'frame_id': f'frame{i}'})
        depth = torch.rand(64, 96) * 40 + 5
        sample.gt_depth = depth * (torch.rand(64, 96) < 0.2)
        samples.append(sample)
    return samples
