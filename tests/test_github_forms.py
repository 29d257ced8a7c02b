"""The forms of issues and the citation file, as GitHub reads them."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[1]
FORMS = sorted((REPO / '.github/ISSUE_TEMPLATE').glob('*.yml'))


def test_there_is_a_form_for_bugs_questions_and_features():
    assert {path.stem for path in FORMS} == {'bug', 'question', 'feature'}


@pytest.mark.parametrize('path', FORMS, ids=lambda path: path.stem)
def test_form_has_what_github_needs(path):
    form = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert set(form) == {'name', 'description', 'labels', 'body'}
    ids = [field['id'] for field in form['body']]
    assert len(set(ids)) == len(ids)
    for field in form['body']:
        assert set(field) <= {'type', 'id', 'attributes', 'validations'}
        assert field['type'] == 'textarea'
        assert set(field['attributes']) <= {'label', 'description', 'render'}
        assert field['attributes']['label']
    assert any(field.get('validations', {}).get('required') for field in form['body'])


def test_modules_that_the_forms_ask_to_run_exist():
    asked = {name for path in FORMS for name in re.findall(r'python -m ([\w.]+)', path.read_text(encoding='utf-8'))}
    assert asked == {'mmdet3d.utils.collect_env', 'pip'}
    assert all(importlib.util.find_spec(name) for name in asked)


def test_citation_has_the_version_of_the_package_and_both_papers():
    citation = yaml.safe_load((REPO / 'CITATION.cff').read_text(encoding='utf-8'))
    assert f"version='{citation['version']}'" in (REPO / 'setup.py').read_text(encoding='utf-8')
    assert {'cff-version', 'message', 'title', 'authors'} <= set(citation)
    for paper, folder in zip(citation['references'], ('radocc', 'adudepth'), strict=True):
        page = (REPO / f'configs/{folder}/README.md').read_text(encoding='utf-8')
        assert f'[{paper["title"]}]({paper["url"]})' in page
        assert str(paper['year']) in page


def test_the_newest_entry_of_the_changelog_is_that_of_the_package():
    setup, changelog = ((REPO / name).read_text(encoding='utf-8') for name in ('setup.py', 'CHANGELOG.md'))
    version = re.search(r"version='([\d.]+)'", setup)[1]
    assert re.findall(r'^## (\S+)', changelog, re.MULTILINE)[:2] == ['Unreleased', version]
