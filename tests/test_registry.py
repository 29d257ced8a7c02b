"""All packages live in one process: their classes have names of their own and docstrings."""

import importlib
import inspect
from pathlib import Path

import mmengine.registry as root
import pytest

PROJECTS = Path(__file__).resolve().parents[1] / 'projects'
PACKAGES = sorted(path.parent.name for path in PROJECTS.glob('*/__init__.py'))
KINDS = ('MODELS', 'DATASETS', 'TRANSFORMS', 'METRICS', 'HOOKS', 'VISUALIZERS', 'RUNNERS', 'OPTIM_WRAPPERS')


@pytest.fixture(scope='module')
def registered():
    """(registry, name, class) of everything that our packages register, in mmengine's and mmdet3d's registries."""
    for package in PACKAGES:
        importlib.import_module(f'projects.{package}')
    import mmdet3d.registry as scoped

    found = []
    for kind in KINDS:
        for registry in {id(r): r for r in (getattr(root, kind), getattr(scoped, kind))}.values():
            for name, item in registry.module_dict.items():
                if item.__module__.startswith('projects.'):
                    found.append((registry, name, item))
    return found


def test_packages_import_together():
    assert {'distillation', 'engine', 'occupancy', 'radocc', 'rendering', 'transforms'} <= set(PACKAGES)
    for package in PACKAGES:
        importlib.import_module(f'projects.{package}')


def test_no_two_classes_share_a_name(registered):
    owners = {}
    for _, name, item in registered:
        owners.setdefault(name, set()).add(f'{item.__module__}.{item.__qualname__}')
    assert {name: sorted(items) for name, items in owners.items() if len(items) > 1} == {}


def test_no_name_hides_a_class_of_the_mm_packages(registered):
    import mmdet.datasets
    import mmdet.models
    import mmdet.registry
    import mmdet3d.datasets
    import mmdet3d.models

    ours = {name for _, name, _ in registered}
    theirs = set()
    for module in (root, mmdet.registry, mmdet3d.registry):
        for kind in KINDS:
            for name, item in getattr(module, kind).module_dict.items():
                if not item.__module__.startswith('projects.'):
                    theirs.add(name)
    assert ours & theirs == set()


def test_every_class_has_a_docstring_of_its_own(registered):
    assert [name for _, name, item in registered if not (item.__dict__.get('__doc__') or '').strip()] == []


def test_constructors_have_no_catch_all_arguments(registered):
    """A catch-all swallows misspelt config keys. Subclasses of the mm packages' data sets and loops may pass it on."""
    catch_all = []
    for _, name, item in registered:
        init = item.__dict__.get('__init__')
        if init and any(p.kind is p.VAR_KEYWORD for p in inspect.signature(init).parameters.values()):
            catch_all.append(name)
    assert catch_all == []
