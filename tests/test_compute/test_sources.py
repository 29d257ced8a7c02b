import pytest

from projects.compute.sources import module_sources, source_digest

FILES = {
    'house/__init__.py': '',
    'house/maths/__init__.py': 'from .far import unused',
    'house/maths/kernel.py': 'from .helper import add\nfrom .. import constants\nimport json\nimport other.thing',
    'house/maths/helper.py': 'def add(a, b):\n    from house.deep.last import SCALE\n    return a + b * SCALE',
    'house/maths/far.py': '',
    'house/constants.py': 'import house.maths.kernel  # a circle',
    'house/deep/last.py': 'SCALE = 1',
    'other/thing.py': '',
}


@pytest.fixture
def house(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def sources(root, name, path):
    return {str(file.relative_to(root)) for file in module_sources(name, root / path)}


def test_sources_are_what_a_module_imports_and_what_that_imports(house):
    assert sources(house, 'house.maths.kernel', 'house/maths/kernel.py') == {
        'house/maths/kernel.py',
        'house/maths/helper.py',
        'house/constants.py',
        'house/deep/last.py',
    }


def test_imports_of_a_package_start_at_the_package(house):
    found = sources(house, 'house.maths', 'house/maths/__init__.py')
    assert found == {'house/maths/__init__.py', 'house/maths/far.py'}


def test_name_from_a_package_leads_to_where_the_package_has_it_from(house):
    (house / 'house/deep/last.py').write_text('from house.maths import unused\nSCALE = 1')
    assert 'house/maths/far.py' in sources(house, 'house.maths.kernel', 'house/maths/kernel.py')


@pytest.mark.parametrize(
    ('changed', 'matters'), [('house/deep/last.py', True), ('house/maths/far.py', False), ('other/thing.py', False)]
)
def test_digest_follows_the_sources_and_nothing_else(house, changed, matters):
    def digest():
        source_digest.cache_clear()
        return source_digest('house.maths.kernel', house / 'house/maths/kernel.py')

    before = digest()
    assert digest() == before
    (house / changed).write_text('SCALE = 2')
    assert (digest() != before) == matters
