"""The walk through the documentation of one task."""

import json
import re

import pytest
from docs_plan import DEPTH
from docs_walk import Walk, steps


@pytest.fixture(scope='module')
def walk(request, tmp_path_factory, tool_server):
    """The walk of the task that the module names."""
    task = request.module.TASK
    data = request.getfixturevalue('kitti_root' if task == DEPTH else 'minidrive_root')
    return Walk(task, tmp_path_factory.mktemp(f'docs_{task}'), data, tool_server)


def pytest_generate_tests(metafunc):
    """One test for each command."""
    if 'place' in metafunc.fixturenames:
        found = steps(metafunc.module.TASK)
        metafunc.parametrize(
            'place', range(len(found)), ids=[f'{page}:{line}:{i}' for i, (page, line, _) in enumerate(found)]
        )


@pytest.fixture
def succeeds(walk):
    """Run a command of the walk, which must succeed and leave the files that it names."""

    def check(place):
        page, line, command = walk.steps[place]
        result = walk.through(place)
        if result.returncode:
            pytest.fail(f'{page}:{line}: {command}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}')
        for path in re.findall(r'(?:--json|--out|--output-dir) (\S+)', command):
            assert (walk.folder / path).exists(), f'{command} left no {path}'
        return result

    return check


@pytest.fixture
def trained(walk, monkeypatch):
    """Train a config of the walk; returns the scalars it logged, and leaves the test in the folder of the walk."""

    def train(name):
        place = next(i for i, step in enumerate(walk.steps) if f'/{name}.py' in step[2] and 'train' in step[2])
        assert walk.through(place).returncode == 0
        monkeypatch.chdir(walk.folder)
        monkeypatch.syspath_prepend(str(walk.folder))
        (log,) = sorted(walk.folder.glob(f'work_dirs/{name}/*/vis_data/scalars.json'))[-1:]
        return {key: value for line in log.read_text().splitlines() for key, value in json.loads(line).items()}

    return train
