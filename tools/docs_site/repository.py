"""Pages of the site that are files of the repository, and links between both; no MkDocs."""

import ast
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
#: Files outside ``docs/`` that are pages of the site, where they stand there.
OUTSIDE = {'README.md': 'index.md', 'CONTRIBUTING.md': 'contributing.md', 'CHANGELOG.md': 'changelog.md'}
_CODE = re.compile(r'(^```.*?^```$|`[^`\n]+`)', re.M | re.S)
_TARGET = re.compile(r'\]\(([^)\s]+)\)')


def pages_outside_docs(repo: Path = REPO) -> dict[str, str]:
    """Files of the repository that are pages, with their place in the site. The README of a folder is its index."""
    readmes = [path for folder in ('configs', 'projects') for path in sorted(repo.glob(f'{folder}/*/README.md'))]
    return OUTSIDE | {(name := path.relative_to(repo).as_posix()): name for path in readmes}


def places_in_site(repo: Path = REPO) -> dict[str, str]:
    """All files that the site shows, with their place in it: those above and whatever lies in ``docs/``."""
    docs = [path for path in sorted(repo.glob('docs/**/*')) if path.is_file()]
    return pages_outside_docs(repo) | {
        path.relative_to(repo).as_posix(): path.relative_to(repo / 'docs').as_posix() for path in docs
    }


def rewrite_links(
    text: str, source: str, places: Mapping[str, str], address: str, repo: Path = REPO
) -> tuple[str, list[str]]:
    """Turn links between files of the repository into links that hold in the site.

    Args:
        text (str): Markdown. Code is left as it is, and so are links to other sites and into the page itself.
        source (str): File of the repository that the text is from.
        places (Mapping): Files that the site shows, with their place in it.
        address (str): Web address of the repository, where all other files are.
        repo (Path): The repository.

    Returns:
        tuple: The text, and the targets that do not exist.
    """
    missing = []

    def rewrite(match: re.Match) -> str:
        target = match[1]
        if re.match(r'[a-z]+:|#', target):
            return match[0]
        path, *anchor = target.split('#')
        name = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if name.startswith('..') or not (repo / name).exists():
            missing.append(target)
            return match[0]
        place = places.get(name) or places.get(f'{name}/README.md')
        if place:
            link = posixpath.relpath(place, posixpath.dirname(places[source]) or '.')
        else:
            link = f'{address}/{"tree" if (repo / name).is_dir() else "blob"}/HEAD/{name}'
        return f']({"#".join([link, *anchor])})'

    parts = _CODE.split(text)
    parts[::2] = [_TARGET.sub(rewrite, part) for part in parts[::2]]
    return ''.join(parts), missing


def public_names(module: Path) -> list[str]:
    """``__all__`` of a package, read without an import; empty if it has none."""
    init = module / '__init__.py'
    for node in ast.parse(init.read_text(encoding='utf-8')).body if init.is_file() else ():
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) == '__all__':
            return ast.literal_eval(node.value)
    return []


def public_packages(repo: Path = REPO) -> list[str]:
    """Packages of ``projects`` that say what is public."""
    return [path.name for path in sorted((repo / 'projects').iterdir()) if public_names(path)]


def api_page(package: str, repo: Path = REPO) -> str:
    """Markdown of the page of a package: its public names, then those of each module that is one of them."""
    folder = repo / 'projects' / package
    names = public_names(folder)
    modules = [name for name in names if (folder / name).is_dir() or (folder / f'{name}.py').is_file()]
    parts = [_api_section(f'projects.{package}', 1, [name for name in names if name not in modules])]
    parts += [_api_section(f'projects.{package}.{name}', 2, public_names(folder / name)) for name in modules]
    return '\n'.join(parts)


def _api_section(module: str, level: int, names: list[str]) -> str:
    """The docstring of a module and its public names; without names, all that have no underscore."""
    options = f'      heading_level: {level + 1}\n'
    if names or level == 1:
        options += f'      members: {names}\n'
    return f'{"#" * level} {module}\n\n::: {module}\n    options:\n{options}'
