"""Files of the repository as pages of the site: links between them, and the pages of the API."""

import importlib.util
import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location('docs_site_repository', REPO / 'tools/docs_site/repository.py')
repository = importlib.util.module_from_spec(spec)
spec.loader.exec_module(repository)
ADDRESS = 'https://example.org/repo'
PLACES = repository.places_in_site()
PAGES = sorted(name for name in PLACES if name.endswith('.md'))


@pytest.fixture
def repo(tmp_path):
    """A README, a page in docs, a config folder with its README, and a package with a public module."""
    files = {
        'README.md': '',
        'docs/a.md': '',
        'docs/sub/b.md': '',
        'configs/x/README.md': '',
        'configs/x/y.py': '',
        'projects/p/__init__.py': "__all__ = ['Thing', 'models', 'pictures']\n",
        'projects/p/models/__init__.py': "__all__ = ['Net']\n",
        'projects/p/pictures.py': '',
        'projects/q/__init__.py': '"""Nothing is public."""\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ('source', 'before', 'after'),
    [
        ('README.md', '[a](docs/a.md#part)', '[a](a.md#part)'),
        ('docs/sub/b.md', '[home](../../README.md)', '[home](../index.md)'),
        ('docs/a.md', '[x](../configs/x/README.md)', '[x](configs/x/README.md)'),
        ('docs/sub/b.md', '[x](../../configs/x)', '[x](../configs/x/README.md)'),
        ('configs/x/README.md', '![a](../../docs/a.md)', '![a](../../a.md)'),
        ('configs/x/README.md', '[`y.py`](y.py)', f'[`y.py`]({ADDRESS}/blob/HEAD/configs/x/y.py)'),
        ('docs/a.md', '[p](../projects/p)', f'[p]({ADDRESS}/tree/HEAD/projects/p)'),
        ('docs/a.md', '[w](https://x.org/a) [h](#part)', '[w](https://x.org/a) [h](#part)'),
        ('docs/a.md', '`[a](b.md)`\n```\n[a](b.md)\n```\n', '`[a](b.md)`\n```\n[a](b.md)\n```\n'),
    ],
)
def test_link_leads_to_the_page_or_to_the_repository(repo, source, before, after):
    places = repository.places_in_site(repo)
    assert repository.rewrite_links(before, source, places, ADDRESS, repo) == (after, [])


@pytest.mark.parametrize('target', ['no.md', '../configs/x/z.py', '../../outside.md'])
def test_link_to_nothing_is_reported_and_left(repo, target):
    text, missing = repository.rewrite_links(f'[a]({target})', 'docs/a.md', {'docs/a.md': 'a.md'}, ADDRESS, repo)
    assert (text, missing) == (f'[a]({target})', [target])


def test_page_of_a_package_shows_its_public_names_then_its_public_modules(repo):
    assert repository.public_packages(repo) == ['p']
    page = repository.api_page('p', repo)
    assert re.findall(r'^(#+ .*|::: .*|      members: .*)$', page, re.M) == [
        '# projects.p',
        '::: projects.p',
        "      members: ['Thing']",
        '## projects.p.models',
        '::: projects.p.models',
        "      members: ['Net']",
        '## projects.p.pictures',
        '::: projects.p.pictures',
    ]


@pytest.mark.parametrize('page', PAGES)
def test_links_of_the_page_lead_to_files(page):
    text = (REPO / page).read_text(encoding='utf-8')
    assert repository.rewrite_links(text, page, PLACES, ADDRESS)[1] == []


def test_every_page_stands_in_the_navigation_once():
    nav = (REPO / 'mkdocs.yml').read_text(encoding='utf-8').split('\nnav:\n')[1]
    wanted = [PLACES[page] for page in PAGES] + [f'api/{name}.md' for name in repository.public_packages()]
    assert sorted(re.findall(r'\S+\.md$', nav, re.M)) == sorted(wanted)
