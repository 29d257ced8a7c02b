import json

import pytest

from projects.studies.depth import DepthStudy
from projects.studies.occupancy import OccupancyStudy
from projects.studies.study import preset_warning


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
