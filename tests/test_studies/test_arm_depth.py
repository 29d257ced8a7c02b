"""Scores of a depth arm from what drives add, and the page of a depth study. Numbers by hand."""

import json

import numpy as np
import pytest
import torch

from projects.depth.structures import DepthDataSample
from projects.studies.ablation import Ablation, Run
from projects.studies.ablation_gains import gain_of
from projects.studies.ablation_page import write_study
from projects.studies.arm_depth import (
    DEPTH_METRICS,
    DepthArmMeter,
    edge_sums,
    eigen_sums,
    likelihood_sums,
)
from projects.studies.arm_sums import total, write_sums
from projects.studies.depth_rule import DepthRule

from .test_ablation import DEPTH_TEXT

SHAPE = (40, 60)
INSIDE = (30, 30)
"""A pixel inside the Garg box of :data:`SHAPE`: rows 16 to 38, columns 2 to 56."""


def sums_of(error, drives=2):
    """Drives with two images each, all of whose errors are ``error``."""
    mean = np.array([error, 1 - error, 10 * error])
    return {
        'scenes': np.array([f'drive-{i}' for i in range(drives)]),
        'raw': np.tile([*(4 * mean), 2.0], (drives, 1)),
        'fitted': np.tile([*(2 * mean), 2.0], (drives, 1)),
        'nll': np.tile([4 * error, 2 * error, 2.0], (drives, 1)),
        'edges': np.tile([4 * error, 2.0, error, 1.0], (drives, 1)),
    }


def test_scores_are_means_over_images():
    found = {metric.name: metric.score(total(sums_of(0.1))) for metric in DEPTH_METRICS}
    assert found == pytest.approx(
        {
            'abs_rel': 0.2,
            'abs_rel_fitted': 0.1,
            'd1': 1.8,
            'd1_fitted': 0.9,
            'rmse': 2.0,
            'rmse_fitted': 1.0,
            'nll': 0.2,
            'nll_fitted': 0.1,
            'edge_rel_fitted': 0.2,
            'smooth_rel_fitted': 0.1,
        }
    )


def test_every_gain_of_depth_is_better_when_it_is_larger():
    better, worse = {0: sums_of(0.1)}, {0: sums_of(0.2)}
    gains = {metric.name: gain_of(metric.name, better, worse) for metric in DEPTH_METRICS}
    assert all(gain.mean > 0 for gain in gains.values())
    assert gains['abs_rel_fitted'].mean == pytest.approx(0.1)


def test_an_image_adds_its_eigen_metrics_inside_the_box_and_the_range():
    truth, depth = np.zeros(SHAPE, np.float32), np.full(SHAPE, 10.0, np.float32)
    truth[INSIDE], truth[INSIDE[0], 31] = 8.0, 20.0  # errors 2 of 8 and 10 of 20; ratios 1.25 and 2
    truth[0, 0], truth[30, 40] = 50.0, 90.0  # outside
    assert eigen_sums(truth, depth) == pytest.approx([0.375, 0.0, np.sqrt((4 + 100) / 2), 1.0])
    assert (eigen_sums(np.zeros(SHAPE), depth) == 0).all()


def test_likelihood_is_that_of_a_laplace_distribution_of_log_depth():
    """Errors 0.2 and 0 at scale 0.1: 2 and 0, plus ln 0.1 + ln 2; fitted: errors 0.1, scale 0.2."""
    found = likelihood_sums(np.array([0.2, 0.0]), np.array([0.1, -0.1]), np.full(2, np.log(0.1)), 2.0)
    assert found == pytest.approx([1 + np.log(0.2), 0.5 + np.log(0.4), 1.0])
    assert (likelihood_sums(np.zeros(0), np.zeros(0), np.zeros(0), 1.0) == 0).all()


def test_errors_at_edges_are_apart_from_those_elsewhere():
    dense = np.full(SHAPE, 20.0)
    dense[:, 30:] = 10.0
    depth = np.full(SHAPE, 20.0)  # right on the left side, twice too far on the right one
    edge, number, elsewhere, others = edge_sums(dense, depth)
    assert (number, others) == (1.0, 1.0)
    assert edge == pytest.approx(0.5)  # three columns of each side
    assert elsewhere == pytest.approx(24 / 49)  # columns 2 to 26 are right, 33 to 56 twice too far
    assert edge_sums(np.full(SHAPE, 20.0), depth).tolist() == [0.0, 0.0, 0.0, 1.0]


class Doubled:
    """A student that sees the truth twice as far, with a scale of 0.1."""

    def predict(self, sample):
        data = sample['data_samples'].clone()
        data.pred_depth = torch.where(data.gt_depth > 0, 2 * data.gt_depth, 30.0)
        data.pred_log_scale = torch.full(SHAPE, float(np.log(0.1)))
        return data


def samples_of(*drives):
    rng = np.random.default_rng(0)
    samples = []
    for drive in drives:
        data = DepthDataSample(metainfo={'frame_id': f'{drive}/{len(samples):010d}'})
        data.gt_depth = torch.from_numpy(rng.uniform(3, 35, SHAPE).astype(np.float32))
        samples.append({'data_samples': data})
    return samples


def test_a_student_that_is_off_by_a_factor_is_right_after_its_rule():
    meter = DepthArmMeter(samples_of('c'), samples_of('b', 'a', 'b'))
    rule = meter.fit(Doubled())
    assert (rule.scale, rule.exponent) == pytest.approx((0.5, 1.0), abs=1e-3)
    sums = meter.count(Doubled(), DepthRule(0.5, 1.0, 1.0))
    assert list(sums['scenes']) == ['a', 'b']
    assert sums['raw'] == pytest.approx(np.array([[1.0, 0.0, sums['raw'][0, 2], 1], [2.0, 0.0, sums['raw'][1, 2], 2]]))
    assert sums['fitted'] == pytest.approx(np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 2.0, 0.0, 2.0]]), abs=1e-5)
    nats = np.log(2) / 0.1 + np.log(0.2)
    assert sums['nll'][:, 0] == pytest.approx([nats, 2 * nats], rel=1e-5)
    assert sums['nll'][:, 1] == pytest.approx([np.log(0.2), 2 * np.log(0.2)], rel=1e-4)
    assert (sums['edges'] == 0).all()  # no dense truth


def test_the_page_of_a_depth_study_shows_its_columns(tmp_path, monkeypatch):
    (tmp_path / 'study.py').write_text(DEPTH_TEXT)
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work')
    (tmp_path / 'work/scores').mkdir(parents=True)
    for arm, errors in (('alone', (0.2, 0.22)), ('adudepth', (0.1, 0.14))):
        for seed, error in zip((4, 5), errors):
            run = Run('few', arm, seed)
            write_sums(study.scores(run), sums_of(error))
            log = study.folder(run) / '1/vis_data'
            log.mkdir(parents=True)
            (log / 'scalars.json').write_text('{"loss": 1.0, "time": 0.5, "step": 1}\n')
    text = write_study(study)
    report = json.loads((tmp_path / 'work/study.json').read_text())
    assert report['arms']['adudepth']['metrics']['abs_rel'] == [0.2, 0.28]
    assert report['tests']['adudepth']['abs_rel_fitted']['mean'] == pytest.approx(0.09)
    page = (tmp_path / 'work/study.html').read_text()
    assert all(metric.column in page for metric in DEPTH_METRICS)
    assert '+0.0900 [' in text
