import json

import pytest

from projects.studies.depth import DepthStudy
from projects.studies.occupancy import OccupancyStudy
from projects.studies.study import StudyResult, build_page, preset_warning


class _Result(StudyResult):
    """A study of nothing."""

    title = 'Nothing'
    as_json = describe_gain = main_tables = lambda self: ''

    def sections(self, frames):
        return frames


def test_warning_of_the_work_directory_stands_on_the_page():
    assert '<p role="alert">' not in build_page(_Result(), [], {}).to_html()
    html = build_page(_Result(), [], {}, 'These numbers mean nothing.').to_html()
    assert '<p role="alert">These numbers mean nothing.</p>' in html


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
