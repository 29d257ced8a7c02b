"""Scores of an arm from what scenes add, and the page of a study. Numbers by hand."""

import json

import numpy as np
import pytest
import torch

from projects.fileio import BadFileError
from projects.studies.ablation import Ablation, Run
from projects.studies.ablation_gains import gain_of, gains_of_pairs, gains_over, measured, strongest
from projects.studies.ablation_page import write_study
from projects.studies.arm_scores import OCC_METRICS, ray_likelihood
from projects.studies.arm_sums import read_sums, same_scenes, write_sums

from .test_ablation import TEXT


def sums_of(hits, nll=100.0, scenes=2):
    """Scenes with 100 cars each, of which ``hits`` are found and the others are called free, and 100 free voxels."""
    hist = np.zeros((scenes, 18, 18), np.int64)
    hist[:, 4, 4], hist[:, 4, 17], hist[:, 17, 17] = hits, 100 - hits, 100
    rayiou = np.zeros((scenes, 5, 17), np.int64)
    rayiou[:, :3, 4], rayiou[:, 3:, 4] = hits, 100
    return {
        'scenes': np.array([f'scene-{i}' for i in range(scenes)]),
        'hist': hist,
        'hist_fitted': hist,
        'nll': np.tile([nll, nll / 2, 200.0], (scenes, 1)),
        'rayiou': rayiou,
        'rays': np.tile([nll, 100.0, float(hits)], (scenes, 1)),
    }


def test_likelihood_of_a_ray_is_the_weight_within_one_bin_of_the_label():
    """Bins of 1 m from 1 m on, weights 0.1 0.2 0.3 0.4; labels 2.5 (bins 0 to 2), 4.5 (2 and 3), three unknown."""
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).expand(5, 4)
    truth = np.array([2.5, 4.5, np.nan, np.inf, 0.5])
    found = ray_likelihood(weights, truth, torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found == pytest.approx([-np.log(0.6) - np.log(0.7), 2.0])


def test_a_label_beyond_the_bins_has_the_smallest_likelihood():
    weights = torch.tensor([[0.5, 0.5]])
    assert ray_likelihood(weights, np.array([30.0]), torch.tensor([1.0, 2.0, 3.0]))[0] == pytest.approx(-np.log(1e-6))


def test_scores_of_sums_by_hand():
    """60 of 100 cars found, none invented: IoU 60; 100 nats over 200 voxels; 60 of 100 rays within 25 %."""
    total = {name: value.sum(0) for name, value in sums_of(60).items() if name != 'scenes'}
    found = {metric.name: metric.score(total) for metric in OCC_METRICS}
    assert found == pytest.approx(
        {
            'miou': 60.0,
            'miou_fitted': 60.0,
            'iou': 60.0,
            'iou_fitted': 60.0,
            'rayiou': 100 * 60 / 140,
            'voxel_nll': 0.5,
            'voxel_nll_fitted': 0.25,
            'ray_nll': 1.0,
            'ray_25': 60.0,
        }
    )


def test_every_gain_is_better_when_it_is_larger():
    better, worse = {0: sums_of(60, nll=80.0)}, {0: sums_of(50, nll=100.0)}
    gains = {metric.name: gain_of(metric.name, better, worse) for metric in OCC_METRICS}
    assert all(gain.mean > 0 for gain in gains.values())
    assert gains['miou'].mean == pytest.approx(10.0)
    assert gains['voxel_nll'].mean == pytest.approx(0.1)
    assert gain_of('miou', better, {1: sums_of(50)}) is None


def test_the_strongest_control_is_chosen_for_each_metric():
    """A student with 60 hits and much noise, one with 50 and little: one has the better IoU, one the likelihood."""
    arms = {'a': {0: sums_of(60, nll=90.0)}, 'b': {0: sums_of(50, nll=70.0)}, 'taught': {0: sums_of(64, nll=60.0)}}
    assert strongest('miou', arms, ['a', 'b']) == 'a'
    assert strongest('voxel_nll', arms, ['a', 'b']) == 'b'
    assert strongest('miou', arms, ['c']) is None
    gains = gains_over(None, arms, ['a', 'b'], ['miou', 'voxel_nll'])
    assert list(gains) == ['taught']
    assert gains['taught']['miou'].mean == pytest.approx(4.0)
    assert gains['taught']['voxel_nll'].mean == pytest.approx(0.05)
    assert list(gains_over('a', arms, ['a', 'b'], ['miou'])) == ['b', 'taught']


def test_a_pair_is_compared_where_both_arms_have_been_measured_with_one_seed():
    """64 of 100 against 60: +4. 'b' has no seed of 'taught', and 'c' none at all."""
    arms = {'a': {0: sums_of(60)}, 'b': {1: sums_of(50)}, 'taught': {0: sums_of(64)}}
    gains = gains_of_pairs([('taught', 'a'), ('taught', 'b'), ('taught', 'c'), ('a', 'taught')], arms, ['miou'])
    assert {name: found['miou'].mean for name, found in gains.items()} == pytest.approx(
        {'taught over a': 4.0, 'a over taught': -4.0}
    )


def test_sums_come_back_from_their_file(tmp_path):
    write_sums(tmp_path / 'x.npz', sums_of(10))
    found = read_sums(tmp_path / 'x.npz')
    assert all((found[name] == value).all() for name, value in sums_of(10).items())
    same_scenes({})
    same_scenes({'few/a/seed0': sums_of(10), 'few/b/seed0': sums_of(20)})
    with pytest.raises(ValueError, match=r'few/b/seed0 and few/a/seed0 were measured on different scenes'):
        same_scenes({'few/a/seed0': sums_of(10), 'few/b/seed0': sums_of(10, scenes=3)})


@pytest.mark.parametrize('lost', ['rays', 'scenes'])
def test_scores_of_a_version_that_measured_less_are_named(tmp_path, lost):
    (tmp_path / 'study.py').write_text(TEXT)
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work')
    path = study.scores(Run('few', 'alone', 4))
    path.parent.mkdir(parents=True)
    kept = {**sums_of(10), 'scenes': np.char.encode(['scene-0', 'scene-1'])}
    np.savez(path, **{name: value for name, value in kept.items() if name != lost})
    with pytest.raises(BadFileError, match=rf"few-alone-seed4\.npz lacks \['{lost}'\], as scores of another version"):
        measured(study, 'few')


def test_the_page_and_the_json_hold_the_values_in_the_order_of_the_seeds(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT + "pairs = [('alone', 'radocc')]\n")
    study = Ablation(tmp_path / 'study.py', tmp_path / 'work')
    (tmp_path / 'work/scores').mkdir(parents=True)
    for arm, hits in (('alone', (50, 52)), ('radocc', (60, 63))):
        for seed, value in zip((4, 5), hits):
            run = Run('few', arm, seed)
            write_sums(study.scores(run), sums_of(value))
            log = study.folder(run) / '20260101_000000/vis_data/scalars.json'
            log.parent.mkdir(parents=True)
            log.write_text(json.dumps({'loss': 1.0, 'time': seed / 2, 'step': 10}))
    text = write_study(study)
    report = json.loads((tmp_path / 'work/study.json').read_text())
    assert report['arms']['radocc']['seeds'] == [4, 5]
    assert report['arms']['radocc']['seconds'] == [20.0, 25.0]  # ten steps of seed / 2 s
    assert report['arms']['radocc']['metrics']['miou'] == [60.0, 63.0]
    assert report['tests']['radocc']['miou']['mean'] == pytest.approx(10.5)
    assert 'alone over radocc  -10.50 [' in text
    assert report['tests_pairs']['alone over radocc']['miou']['mean'] == pytest.approx(-10.5)
    assert report['setting'].startswith('few')
    assert '+10.50 [' in text
    assert '<td>+10.50\n[' in (tmp_path / 'work/study.html').read_text()
    picture = (tmp_path / 'work/study.svg').read_text()
    assert all(f'>{word}<' in picture for word in ('alone', 'radocc', 'mIoU, fitted (%)'))


def test_a_study_without_scores_says_so(tmp_path):
    (tmp_path / 'study.py').write_text(TEXT)
    with pytest.raises(FileNotFoundError, match='has no scores yet'):
        write_study(Ablation(tmp_path / 'study.py', tmp_path))
