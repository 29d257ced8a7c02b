"""Per-sample seeds: the same augmentation for the same (seed, epoch, index), whoever loads the sample."""

import copy
import os
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from torch.utils.data import DataLoader

from projects.engine import SafeRunner, sample_seed, seed_everything, seeded
from projects.engine.hooks import _seeded_datasets


@pytest.fixture
def dataset(toys):
    return toys.ToySeededDataset(length=6, pipeline=[{'type': 'ToyAugment'}, {'type': 'ToyPack'}])


def draw(dataset, epoch, workers=0, loader=None):
    dataset.epoch_counter.set(3, epoch)
    loader = loader or DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate)
    return torch.cat([torch.stack(batch['inputs']['x']) for batch in loader])


def test_seeds_differ_between_neighbours():
    seeds = {sample_seed(s, e, i, t) for s in range(3) for e in range(3) for i in range(3) for t in range(2)}
    assert len(seeds) == 54
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert sample_seed(1, 2, 3) == sample_seed(1, 2, 3)


def test_seeded_block_restores_all_generators():
    seed_everything(1)
    expected = random.random(), np.random.rand(), torch.rand(1).item()
    seed_everything(1)
    with seeded(7):
        inside = random.random(), np.random.rand(), torch.rand(1).item()
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected
    with seeded(7):
        assert (random.random(), np.random.rand(), torch.rand(1).item()) == inside


def test_samples_depend_on_epoch_and_not_on_order(dataset):
    first = draw(dataset, epoch=0)
    assert not torch.equal(first, draw(dataset, epoch=1))
    dataset[4]
    assert torch.equal(first, draw(dataset, epoch=0))


def test_workers_draw_what_the_main_process_draws_in_every_epoch(dataset):
    expected = [draw(dataset, epoch) for epoch in (0, 1)]
    loader = DataLoader(dataset, batch_size=2, num_workers=2, persistent_workers=True, collate_fn=pseudo_collate)
    assert torch.equal(draw(dataset, 0, loader=loader), expected[0])
    assert torch.equal(draw(dataset, 1, loader=loader), expected[1])
    loader._iterator._shutdown_workers()


def test_nothing_is_seeded_without_the_hook_or_in_test_mode(dataset):
    assert not torch.equal(dataset[0]['inputs']['x'], dataset[0]['inputs']['x'])
    dataset.epoch_counter.set(0, 0)
    assert torch.equal(dataset[0]['inputs']['x'], dataset[0]['inputs']['x'])
    dataset.test_mode = True
    assert not torch.equal(dataset[0]['inputs']['x'], dataset[0]['inputs']['x'])


def test_replacement_of_a_refused_sample_is_seeded(dataset, monkeypatch):
    dataset.epoch_counter.set(0, 0)
    pipeline = dataset.pipeline
    monkeypatch.setattr(dataset, 'pipeline', lambda data: None if data['sample_idx'] == 2 else pipeline(data))
    tokens = {dataset[2]['data_samples'].token for _ in range(5)}
    assert len(tokens) == 1


def test_copies_share_the_counter_and_wrappers_are_searched(dataset, toys):
    counter = dataset.epoch_counter
    assert copy.deepcopy(dataset).epoch_counter is counter
    other = toys.ToySeededDataset(length=2, pipeline=[{'type': 'ToyPack'}])
    assert list(_seeded_datasets(ConcatDataset([dataset, other]))) == [dataset, other]
    assert list(_seeded_datasets(RepeatDataset(dataset, 2))) == [dataset]


def test_a_deterministic_run_warns_on_cuda_of_what_cannot_repeat_and_raises_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'deterministic', False)
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', False)
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', 'x')  # so that it is put back
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG')
    runner = object.__new__(SafeRunner)
    try:
        for cuda in (False, True):
            monkeypatch.setattr(torch.cuda, 'is_available', lambda cuda=cuda: cuda)
            runner.set_randomness(0, deterministic=True)
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.is_deterministic_algorithms_warn_only_enabled() == cuda
            # Without it products of matrices need not repeat.
            assert os.environ.get('CUBLAS_WORKSPACE_CONFIG') == (':4096:8' if cuda else None)
    finally:
        torch.use_deterministic_algorithms(False)
