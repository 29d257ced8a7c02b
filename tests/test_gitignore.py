"""What the documented commands write is not offered to git, whether it is a file, a folder or a link."""

import re
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
OUTPUT = re.compile(
    r'(?:--(?:output-dir|show-dir|out|json|work-dir|out-dir|save-dir|csv)[ =]|submission_dir=|create_minidrive\.py +)'
    r'(?P<path>[\w./<*-]+)'
)


def documented_outputs():
    pages = [REPO / 'README.md', *sorted((REPO / 'docs').rglob('*.md'))]
    pages += sorted((REPO / 'projects').glob('*/README.md')) + sorted((REPO / 'configs').glob('*/README.md'))
    text = '\n'.join(page.read_text() for page in pages)
    found = {match['path'].rstrip('/') for match in OUTPUT.finditer(text)}
    found |= set(re.findall(r'(?:extract_student|publish_model|init_weights)\.py[\s\\]+\S+[\s\\]+([\w./-]+)', text))
    return sorted(name for name in found if not name.isupper() and name[0] not in '-.')


@pytest.fixture
def checkout(tmp_path):
    """An empty repository with our .gitignore."""
    (tmp_path / '.gitignore').write_text((REPO / '.gitignore').read_text())
    try:
        subprocess.run(['git', 'init', '-q', tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('git is not there')

    def untracked():
        command = ['git', '-C', tmp_path, 'status', '--porcelain', '--untracked-files=all']
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return {line[3:] for line in lines} - {'.gitignore'}

    return tmp_path, untracked


def test_documented_outputs_are_found():
    assert {'vis', 'pictures', 'occ3d.zip', 'work_dirs/submission', 'student.pth'} <= set(documented_outputs())


@pytest.mark.parametrize('name', documented_outputs())
def test_git_ignores_what_documented_commands_write(checkout, name):
    root, untracked = checkout
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_text('')
    else:
        path.mkdir()
        (path / 'file').write_text('')
    assert untracked() == set()


@pytest.mark.parametrize('name', ['.venv', 'data', 'work_dirs', 'checkpoints'])
def test_git_ignores_links_to_other_disks(checkout, name, tmp_path_factory):
    root, untracked = checkout
    (root / name).symlink_to(tmp_path_factory.mktemp('elsewhere'))
    assert untracked() == set()


def test_code_is_not_ignored(checkout):
    root, untracked = checkout
    for name in ('projects/data/reader.py', 'tests/data/a.json', 'docs/images/a.png', 'configs/vis/a.py'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('')
    assert len(untracked()) == 4
