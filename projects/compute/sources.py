"""Which source files a module is made of: its own and those of our modules that it imports, and what these import."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_OURS = Path(__file__).resolve().parents[2]


def _imported_names(path: Path, package: list[str]) -> Iterator[tuple[str, ...]]:
    """Absolute dotted names that a file imports, wherever in the file, each split at its dots."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split('.')) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split('.') if node.module else [])]
            # The last part may be a module or something in it.
            yield from ((*module, alias.name) for alias in node.names)


def _find(parts: tuple[str, ...], roots: tuple[Path, ...]) -> tuple[Path, list[str]] | None:
    """File of a module, or of the module in which a name is, and the package for its relative imports."""
    for length in range(len(parts), 0, -1):
        for root in roots:
            place = root.joinpath(*parts[:length])
            if (place / '__init__.py').is_file():
                return place / '__init__.py', list(parts[:length])
            if place.with_suffix('.py').is_file():
                return place.with_suffix('.py'), list(parts[: length - 1])
    return None


def module_sources(name: str, path: Path) -> list[Path]:
    """Files that can change what a module computes, the standard library and installed packages left out.

    Args:
        name (str): Dotted name of the module; ``__main__`` is one without a package.
        path (Path): Its file.

    Returns:
        list[Path]: Sorted. Imports are followed below the folder that holds the module's top-level package and below
        the one that holds ours.
    """
    path = path.resolve()
    parts = name.split('.')
    package = parts if path.name == '__init__.py' else parts[:-1]
    roots = tuple(dict.fromkeys((path.parents[len(package)], _OURS)))
    # With packages of others beside ours in site-packages, only ours and the module's own are followed.
    followed = {package[0], __name__.split('.')[0]} if package else None
    found, todo = {path}, [(path, package)]
    while todo:
        file, inside = todo.pop()
        for imported in _imported_names(file, inside):
            hit = _find(imported, roots) if followed is None or imported[0] in followed else None
            if hit is not None and hit[0].resolve() not in found:
                found.add(hit[0].resolve())
                todo.append(hit)
    return sorted(found)


@cache
def source_digest(name: str, path: Path) -> str:
    """Digest of the names and contents of :func:`module_sources`, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in module_sources(name, path):
        content = file.read_bytes()
        digest.update(f'{file.name}\0{len(content)}\0'.encode() + content)
    return digest.hexdigest()[:16]
