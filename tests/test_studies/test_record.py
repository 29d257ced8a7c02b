"""The study that is recorded in docs/experiments: its files say what its JSON and its pages say."""

import json
import shutil
from pathlib import Path

import pytest

from projects.studies.ablation import Ablation
from projects.studies.ablation_page import curves, write_study

EXPERIMENTS = Path(__file__).parents[2] / 'docs/experiments'


@pytest.fixture(scope='module')
def record(tmp_path_factory):
    """A copy of the record, as somebody makes who goes on with the study."""
    folder = tmp_path_factory.mktemp('record') / 'study'
    shutil.copytree(EXPERIMENTS / 'elsewhere', folder)
    return Ablation(EXPERIMENTS.parents[1] / 'configs/studies/radocc_elsewhere.py', folder)


def test_numbers_and_tests_come_again_from_what_each_scene_adds(record):
    write_study(record)
    again = json.loads((record.work_dir / 'study.json').read_text())
    kept = json.loads((EXPERIMENTS / 'study.json').read_text())
    assert again['arms'] == kept['arms']
    assert again['tests'] == kept['tests']


def test_curves_need_no_checkpoints(record):
    losses, scores = curves(record, 'labels_3', 0)
    assert '>training step<' in losses.content
    for name in ('teacher', 'alone', 'radocc'):
        assert f'>{name}<' in losses.content
        assert f'>{name}<' in scores.content


def test_the_page_says_the_gain_that_the_files_hold(record):
    """Of mIoU at argmax and fitted, in the table of the page and in the README."""
    gains = json.loads((EXPERIMENTS / 'study.json').read_text())['tests']['radocc']
    page = (EXPERIMENTS / 'teacher_from_elsewhere.md').read_text()
    readme = (EXPERIMENTS.parents[1] / 'README.md').read_text()
    for metric in ('miou', 'miou_fitted'):
        assert f'**+{gains[metric]["mean"]:.2f}** | **{gains[metric]["p_seeds"]:.3f}**' in page
        assert f'+{gains[metric]["mean"]:.1f}, p {gains[metric]["p_seeds"]:.3f}' in readme
