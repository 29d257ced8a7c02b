import json

import pytest

from projects.reporting import Page, Section, Table
from projects.studies.depth import DepthStudy
from projects.studies.occupancy import OccupancyStudy
from projects.studies.study import TINY_WARNING, Study, StudyResult, preset_warning, write_report


class _Result(StudyResult):
    data = 'three frames'

    def as_json(self):
        return {'results': {'teacher': 1.0}}

    def page(self, frames):
        return Page('Title', 'It works.', frames)

    def main_tables(self):
        return [Table(['model', 'score'], [['teacher', '1.0']])]


class _Study(Study):
    """A study of three frames of two scenes, without models."""

    runs, config_flags, frames = (), {'teacher': 'config of the teacher'}, (4, 'frames to draw')

    def measure(self):
        return _Result()

    def curves(self):
        return []

    def scenes(self):
        return iter('aab')

    def draw_frame(self, index):
        self.drawn = [*getattr(self, 'drawn', []), index]
        return Section(f'Frame {index}')

    def write_beside(self):
        return [(f'Frames {self.drawn} in 3D', 'viewer.html')]


def test_report_is_written_with_its_frames_facts_and_warning(tmp_path):
    (tmp_path / 'demo.json').write_text(json.dumps({'preset': 'tiny', 'seed': 0}))
    (tmp_path / 'costs.json').write_text(json.dumps({'data': {'seconds': 2.0, 'peak_mb': 9.0}}))
    args = [str(tmp_path), '--teacher-config', 'teacher.py', '--data-root', 'data/x', '--seed', '5']
    shown = write_report(_Study(_Study.parser().parse_args(args)))
    assert shown.splitlines()[1:] == [
        f'!!! {TINY_WARNING}',
        'model    score',
        'teacher    1.0',
        'It works.',
        f'report: {tmp_path}/report.html',
    ]
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['results'] == {'teacher': 1.0}
    assert report['config'] == {'teacher': 'teacher.py'}
    assert report['facts']['data'] == 'data/x: three frames'
    assert report['facts']['time'] == 'data 2 s'
    assert (report['seed'], report['warning']) == (5, TINY_WARNING)
    html = (tmp_path / 'report.html').read_text()
    assert f'<p role="alert">{TINY_WARNING}</p>' in html
    assert 'Frame 0' in html
    assert 'Frame 2' in html
    assert 'Frame 1' not in html
    assert '<a href="viewer.html">Frames [0, 2] in 3D</a>' in html
    assert '<dd>data/x: three frames</dd>' in html


class _Trained(_Study):
    """Two runs of which the demo has finished one."""

    runs = ('teacher', 'baseline')

    def _load(self, name):
        return name


def test_page_so_far_counts_the_finished_runs_and_measures_nothing(tmp_path):
    (tmp_path / 'demo.json').write_text(json.dumps({'preset': 'mini', 'seed': 0}))
    (tmp_path / 'costs.json').write_text(json.dumps({'teacher': {'seconds': 2.0, 'peak_mb': 9.0}}))
    log = tmp_path / 'teacher' / '1' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(json.dumps({'step': 1, 'time': 1.0, 'loss': 2.0}) + '\n')
    args = [str(tmp_path), '--teacher-config', 'teacher.py', '--data-root', 'data/x', '--so-far']
    study = _Trained(_Trained.parser().parse_args(args))
    assert list(study.predictors) == list(study.logs) == ['teacher']
    assert write_report(study) == f'page so far: {tmp_path}/report.html'
    html = (tmp_path / 'report.html').read_text()
    assert '<p role="alert">Not finished: 1 of 2 models are trained, and nothing is measured yet.</p>' in html
    assert 'Frame 0' in html
    assert 'Frame 2' not in html
    assert '<h2>Curves</h2>' in html
    assert not (tmp_path / 'report.json').exists()


def test_page_so_far_of_the_data_alone_has_no_curves(tmp_path):
    (tmp_path / 'demo.json').write_text(json.dumps({'preset': 'tiny', 'seed': 0}))
    (tmp_path / 'costs.json').write_text('{}')
    args = [str(tmp_path), '--teacher-config', 'teacher.py', '--data-root', 'data/x', '--so-far']
    write_report(_Trained(_Trained.parser().parse_args(args)))
    html = (tmp_path / 'report.html').read_text()
    assert 'Not finished: 0 of 2 models' in html
    assert TINY_WARNING in html
    assert 'Curves' not in html


@pytest.mark.parametrize(('preset', 'warns'), [('tiny', True), ('mini', False), (None, False)])
def test_work_directory_of_a_tiny_demo_warns(tmp_path, preset, warns):
    if preset:
        (tmp_path / 'demo.json').write_text(json.dumps({'preset': preset, 'seed': 0}))
    assert ('mean nothing' in preset_warning(tmp_path)) == warns


@pytest.mark.parametrize(
    ('study', 'names'),
    [
        (OccupancyStudy, ('teacher', 'student', 'radocc')),
        (DepthStudy, ('teacher', 'control', 'student', 'adudepth')),
    ],
)
def test_a_run_that_was_not_trained_is_named(study, names, repo, tmp_path):
    flags = [part for name in names for part in (f'--{name}-config', 'config.py')]
    args = study.parser().parse_args([str(tmp_path), *flags, '--data-root', 'data'])
    with pytest.raises(FileNotFoundError, match='the run teacher has not been trained'):
        study(args)
