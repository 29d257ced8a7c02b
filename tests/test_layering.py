"""Imports go one way between our packages, and nothing imports tools or configs."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PROJECTS = REPO / 'projects'

#: What each package imports of the others, lowest first: a new import downwards is written here, none goes up.
ALLOWED = {
    'cli': set(),
    'fileio': set(),
    'compute': set(),
    'geometry': set(),
    'reporting': {'fileio'},
    'occ_eval': {'compute', 'fileio', 'geometry'},
    'minidrive': {'compute', 'fileio', 'occ_eval'},
    'depth_eval': {'fileio', 'geometry'},
    'rendering': {'compute'},
    'engine': {'fileio'},
    'transforms': {'fileio'},
    'segments': {'compute', 'fileio', 'occ_eval', 'transforms'},
    'models': {'engine'},
    'distillation': {'compute', 'engine', 'models'},
    'occupancy': {
        'compute',
        'engine',
        'fileio',
        'geometry',
        'models',
        'occ_eval',
        'rendering',
        'segments',
        'transforms',
    },
    'depth': {'compute', 'depth_eval', 'engine', 'fileio', 'geometry', 'models', 'transforms'},
    'radocc': {'compute', 'distillation', 'engine', 'occupancy', 'rendering'},
    'renderocc': {'compute', 'engine', 'occupancy', 'rendering', 'transforms'},
    'adudepth': {'compute', 'engine'},
    'deploy': {'depth', 'occupancy'},
    'studies': {
        'cli',
        'depth',
        'depth_eval',
        'engine',
        'fileio',
        'models',
        'occ_eval',
        'occupancy',
        'radocc',
        'rendering',
        'reporting',
        'transforms',
    },
}
MM_PACKAGES = {'mmengine', 'mmcv', 'mmdet', 'mmdet3d'}
FORBIDDEN_OUTSIDE = {
    'cli': MM_PACKAGES | {'torch'},
    'fileio': MM_PACKAGES | {'torch'},
    'compute': MM_PACKAGES,
    'geometry': MM_PACKAGES | {'torch'},
    'occ_eval': MM_PACKAGES | {'torch'},
    'depth_eval': MM_PACKAGES | {'torch'},
    'reporting': MM_PACKAGES | {'torch'},
    'transforms': MM_PACKAGES,
    'segments': MM_PACKAGES - {'mmcv'},
    'rendering': MM_PACKAGES,
    'engine': MM_PACKAGES - {'mmengine'},
    'models': MM_PACKAGES - {'mmengine'},
    'minidrive': MM_PACKAGES | {'torch'},
}
#: Folders inside ``minidrive``, lowest first; its sizes (``presets``) are below them, all that drives it is above.
FLOORS = ('shapes', 'street', 'sensors', 'formats')
#: Modules of ``compute`` that need torch; all others are for packages without it.
COMPUTE_WITH_TORCH = {'asynchronous', 'means', 'precision', 'tensors', 'threads'}


def imported_modules(path):
    """Absolute names of what a file imports; relative imports are resolved."""
    package = path.relative_to(REPO).with_suffix('').parts
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: -node.level]) if node.level else []
            module = '.'.join([*base, *([node.module] if node.module else [])])
            yield from (f'{module}.{alias.name}' for alias in node.names)


def files_of(package):
    return sorted((PROJECTS / package).rglob('*.py'))


PACKAGES = sorted(path.name for path in PROJECTS.iterdir() if path.is_dir() and any(path.rglob('*.py')))


def test_every_package_has_its_place():
    assert set(PACKAGES) <= set(ALLOWED), f'say in ALLOWED what {set(PACKAGES) - set(ALLOWED)} may import'


def test_the_table_goes_one_way():
    order = list(ALLOWED)
    assert not [name for name, below in ALLOWED.items() if below - set(order[: order.index(name)])]


def test_projects_is_a_namespace_package():
    assert not (PROJECTS / '__init__.py').exists()


def imported_packages(package):
    """Our other packages that a package imports, each with the places."""
    found = defaultdict(list)
    for path in files_of(package):
        for name in imported_modules(path):
            parts = name.split('.')
            if parts[0] == 'projects' and len(parts) > 1 and parts[1] != package:
                found[parts[1]].append(f'{path.relative_to(REPO)}: {name}')
    return found


@pytest.mark.parametrize('package', PACKAGES)
def test_imports_between_packages_are_those_of_the_table(package):
    found = imported_packages(package)
    assert not {name: places for name, places in found.items() if name not in ALLOWED[package]}
    assert not ALLOWED[package] - set(found), 'these are not imported any more: take them out of ALLOWED'


def floor_of(place):
    """Height of a module of ``minidrive``, from the parts of its name below the package."""
    return -1 if place[0] == 'presets' else FLOORS.index(place[0]) if place[0] in FLOORS else len(FLOORS)


def test_imports_inside_minidrive_go_down_its_floors():
    wrong, root = [], PROJECTS / 'minidrive'
    for path in files_of('minidrive'):
        floor = floor_of(path.relative_to(root).with_suffix('').parts)
        names = [name.split('.') for name in imported_modules(path)]
        inside = [name[2:] for name in names if name[:2] == ['projects', 'minidrive']]
        wrong += [f'{path.relative_to(root)}: {".".join(name)}' for name in inside if floor_of(name) > floor]
    assert not wrong


@pytest.mark.parametrize('package', PACKAGES)
def test_packages_use_only_the_frameworks_of_their_rank(package):
    forbidden = FORBIDDEN_OUTSIDE.get(package, set())
    found = {name.split('.')[0] for path in files_of(package) for name in imported_modules(path)}
    assert not found & forbidden


def test_torch_is_in_the_named_modules_of_compute_only():
    found = {path.stem for path in files_of('compute') if 'torch' in {n.split('.')[0] for n in imported_modules(path)}}
    assert found == COMPUTE_WITH_TORCH


@pytest.mark.parametrize('package', sorted({n for n, names in FORBIDDEN_OUTSIDE.items() if 'torch' in names}))
def test_packages_without_torch_leave_the_modules_of_compute_that_need_it_alone(package):
    imported = {name for path in files_of(package) for name in imported_modules(path)}
    with_torch = {f'projects.compute.{module}' for module in COMPUTE_WITH_TORCH}
    assert not [name for name in imported if '.'.join(name.split('.')[:3]) in with_torch]


def test_nothing_imports_tools_or_configs():
    wrong = []
    for folder in ('projects', 'tools', 'configs', 'demo'):
        for path in sorted((REPO / folder).rglob('*.py')):
            names = {name.split('.')[0] for name in imported_modules(path)}
            own = {'tools'} if folder == 'tools' else set()  # parts of one tool
            if names & {'tools', 'configs', 'tests'} - own:
                wrong.append(str(path.relative_to(REPO)))
    assert not wrong


def test_the_check_sees_relative_and_nested_imports(tmp_path, monkeypatch):
    path = tmp_path / 'projects/depth/models/a.py'
    path.parent.mkdir(parents=True)
    path.write_text(
        'from .. import metrics\ndef f():\n    import projects.occupancy.ops\n    from ...radocc import connector\n'
    )
    monkeypatch.setattr('test_layering.REPO', tmp_path, raising=False)
    monkeypatch.setitem(globals(), 'REPO', tmp_path)
    assert set(imported_modules(path)) == {
        'projects.depth.metrics',
        'projects.occupancy.ops',
        'projects.radocc.connector',
    }
