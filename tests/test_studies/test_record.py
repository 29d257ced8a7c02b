"""The studies that are recorded in docs/experiments: their files say what their JSON and their pages say."""

import html as escaping
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from projects.studies.ablation import Ablation
from projects.studies.ablation_page import curves, write_study
from projects.studies.arm_task import TASKS

EXPERIMENTS = Path(__file__).parents[2] / 'docs/experiments'


@dataclass(frozen=True)
class Recorded:
    """A study that is recorded."""

    folder: str  # its files
    config: str
    numbers: str
    page: str
    arm: str  # what gains
    metrics: tuple[str, ...]  # that the page tests
    digits: int  # of the page
    readme: str  # how the README says a gain: its mean, its share of the student alone in percent, its p

    def read(self):
        return json.loads((EXPERIMENTS / self.numbers).read_text())


STUDIES = [
    Recorded(
        folder='elsewhere',
        config='radocc_elsewhere.py',
        numbers='study.json',
        page='teacher_from_elsewhere.md',
        arm='radocc',
        metrics=('miou', 'miou_fitted'),
        digits=2,
        readme='+{mean:.1f}, p {p:.3f}',
    ),
    Recorded(
        folder='elsewhere_depth',
        config='adudepth_elsewhere.py',
        numbers='depth_study.json',
        page='depth_from_elsewhere.md',
        arm='adudepth_few',
        metrics=('abs_rel', 'abs_rel_fitted'),
        digits=4,
        readme='{share:.0f} % lower, p {p:.3f}',
    ),
    Recorded(
        folder='memory',
        config='memory.py',
        numbers='memory_study.json',
        page='memory.md',
        arm='stereo',
        metrics=('ray_nll',),
        digits=3,
        readme='{mean:.3f} nats, p {p:.3f}',
    ),
]
#: Pages with means and deviations over seeds, and the files that hold the seeds.
MEANS = {
    'docs/experiments/teacher_from_elsewhere.md': ['study'],
    'docs/experiments/depth_from_elsewhere.md': ['depth_study'],
    'docs/experiments/memory.md': ['memory_study'],
    'docs/experiments/few_labels.md': ['few_labels'],
    'configs/flashocc/README.md': ['memory_study'],
    'docs/results.md': ['study', 'depth_study', 'memory_study', 'few_labels'],
    'README.md': ['study', 'depth_study', 'memory_study', 'few_labels'],
}
UNRECORDED = {'0.2755 ± 0.0142', '0.2707 ± 0.0062'}  # of 2026-11-22, before studies had a record


@pytest.fixture(scope='module', params=STUDIES, ids=lambda found: found.folder)
def recorded(request):
    return request.param


@pytest.fixture(scope='module')
def record(recorded, tmp_path_factory):
    """A copy of the record, as somebody makes who goes on with the study."""
    folder = tmp_path_factory.mktemp('record') / 'study'
    shutil.copytree(EXPERIMENTS / recorded.folder, folder)
    return Ablation(EXPERIMENTS.parents[1] / 'configs/studies' / recorded.config, folder)


@pytest.fixture(scope='module')
def page(record):
    """The page that the tool makes of the record."""
    write_study(record)
    return (record.work_dir / 'study.html').read_text()


def test_numbers_and_tests_come_again_from_what_each_scene_adds(recorded, record, page):
    again, kept = json.loads((record.work_dir / 'study.json').read_text()), recorded.read()
    assert again['arms'] == kept['arms']
    assert again['tests'] == kept['tests']
    assert again['tests_pairs'] == kept['tests_pairs']


def test_the_picture_has_every_arm_and_seed(recorded, record):
    """Two panels, a dot for each seed in both; arms by their words, or as the study writes them."""
    picture = (EXPERIMENTS / recorded.numbers).with_suffix('.svg').read_text()
    texts = {escaping.unescape(text) for text in re.findall(r'>([^<>]+)</text>', picture)}
    arms = recorded.read()['arms']
    assert all({arm, record.name_of(arm)} & texts for arm in arms)
    assert picture.count('fill-opacity: 0.5') == 2 * sum(len(arm['seeds']) for arm in arms.values())


def test_curves_need_no_checkpoints(recorded, record):
    setting = next(iter(record.settings))
    losses, scores = curves(record, setting, 0)
    assert '>training step<' in losses.content
    teachers = ['teacher'] if record.teachers_of(setting) else []
    for name in (*teachers, 'alone', recorded.arm):
        assert f'>{escaping.escape(record.name_of(name), quote=False)}<' in losses.content
        assert f'>{escaping.escape(record.name_of(name), quote=False)}<' in scores.content


def test_every_arm_setting_and_metric_of_the_page_is_explained(recorded, record, page):
    text = escaping.unescape(page.split('<h2>What the words mean</h2>')[1])
    settings = [name for name in record.settings if name in recorded.read()['setting']]
    for what in (*settings, *recorded.read()['arms']):
        assert record.name_of(what) != what
        assert f'<dt>{record.name_of(what)}</dt><dd>{record.about(what)}</dd>' in text
    for metric in TASKS[record.task].metrics:
        assert f'<dt>{metric.column}</dt><dd>{metric.about} {metric.direction.capitalize()}.</dd>' in text


def test_the_first_screen_answers_in_at_most_six_points_without_names_of_files(record, page):
    screen = page.split('<h1>')[1].split('<nav')[0]
    assert screen.count('<p class="lead">With ') == 1
    assert screen.count('<li>') <= 6
    assert '_' not in screen


def test_every_axis_has_a_label_with_its_unit(record, page):
    """Of all texts of a chart: numbers, names of arms and settings, counts, and labels, which end with their unit."""
    named = {record.name_of(name) for name in (*record.arms, *record.settings, 'teacher')}
    counts = {'training step', 'epoch', 'more is better', 'less is better'}
    charts = re.findall(r'<svg .*?</svg>', page, re.DOTALL)
    assert len(charts) >= 3 + len(TASKS[record.task].tested)
    for chart in charts:
        texts = [escaping.unescape(text) for text in re.findall(r'<text[^>]*>([^<]+)</text>', chart)]
        labels = {text for text in texts if not re.fullmatch('[\u2212-]?[0-9.]+', text)} - named - counts
        assert labels
        assert all(re.search(r'\((%|points|nats|share|m|no unit)\)$', label) for label in labels), labels


def test_the_page_says_when_its_runs_were_trained(recorded, record, page):
    """Folders of logs are called by their start."""
    starts = sorted(path.parents[1].name[:8] for path in record.work_dir.glob('*/*/seed*/*/vis_data/scalars.json'))
    days = [f'{day[:4]}-{day[4:6]}-{day[6:]}' for day in (starts[0], starts[-1])]
    assert f'<dt>trained</dt><dd>{" to ".join(dict.fromkeys(days))}</dd>' in page


def test_the_page_asks_no_server(page):
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    assert not re.search(r'url\((?!#)', page)
    assert len(page) < 1e6


def test_the_page_says_the_gain_that_the_files_hold(recorded):
    """Of the metrics that count, in the table of the page and in the README."""
    numbers = recorded.read()
    page = (EXPERIMENTS / recorded.page).read_text()
    readme = (EXPERIMENTS.parents[1] / 'README.md').read_text()
    for metric in recorded.metrics:
        gain, alone = numbers['tests'][recorded.arm][metric], numbers['arms']['alone']['metrics'][metric]
        assert f'**+{gain["mean"]:.{recorded.digits}f}** | **{gain["p_seeds"]:.3f}**' in page
        share = 100 * gain['mean'] / np.mean(alone)
        assert recorded.readme.format(mean=gain['mean'], share=share, p=gain['p_seeds']) in readme


@pytest.mark.parametrize(('page', 'files'), MEANS.items(), ids=MEANS)
def test_every_mean_over_seeds_is_that_of_an_arm_in_the_record(page, files):
    """The first seeds of an arm may be taken alone: those that other arms are paired with."""
    said = set(re.findall(r'-?\d+\.\d+ ± \d+\.\d+', (EXPERIMENTS.parents[1] / page).read_text())) - UNRECORDED
    found = []
    for name in files:
        numbers = json.loads((EXPERIMENTS / f'{name}.json').read_text())
        arms = [arm for setting in (numbers, *numbers['others'].values()) for arm in setting['arms'].values()]
        for values in (values for arm in arms for values in arm['metrics'].values()):
            firsts = [values[:count] for count in range(2, len(values) + 1)]
            found += [(np.mean(first), np.std(first, ddof=1)) for first in firsts]

    def is_there(text):
        parts = text.split(' ± ')
        off = np.abs(np.array(found) - [float(part) for part in parts])
        rounding = [0.5 * 10.0 ** -len(part.split('.')[1]) + 1e-5 for part in parts]  # the record has five digits
        return (off <= rounding).all(axis=1).any()

    assert said
    assert [text for text in said if not is_there(text)] == []
