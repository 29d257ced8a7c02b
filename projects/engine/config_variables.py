"""Top-level names of config files: which of them are read, and by whom.

A config file gives values to the Runner (``model``, ``train_cfg``, ...) and names values that it uses more than once
(``data_root = ...``). Such a variable counts only where it is read: by the same file, or by a child through
``_base_.name``. A child that gives it another value changes nothing, as its parent has been evaluated before.
"""

import ast
import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

_BASE = '_base_'
_SPELLING = 0.9  # of difflib: about one wrong letter in a name of ten
_PLACEHOLDER = re.compile(r'\{\{\s*_base_\.(\w+)')


@dataclass
class ConfigFile:
    """Names of one config file.

    Args:
        path (Path): The file.
        assigned (set[str]): Top-level names it gives a value to.
        read (set[str]): Names it reads that stand in the file.
        read_from_bases (set[str]): Names it reads through ``_base_``.
        bases (list[ConfigFile]): The files it inherits from.
    """

    path: Path
    assigned: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    read_from_bases: set[str] = field(default_factory=set)
    bases: list['ConfigFile'] = field(default_factory=list)

    def ancestors(self) -> Iterator['ConfigFile']:
        """The files it inherits from, nearest first; a file that is reached twice is given twice."""
        for base in self.bases:
            yield base
            yield from base.ancestors()


def _bases(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == _BASE for t in node.targets):
            value = ast.literal_eval(node.value)
            return [value] if isinstance(value, str) else list(value)
    return []


def _base_attribute(node: ast.AST) -> str | None:
    """``name`` of ``_base_.name`` and of ``_base_['name']``."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == _BASE:
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == _BASE:
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else None
    return None


def _names(tree: ast.Module) -> tuple[set[str], set[str], set[str]]:
    assigned, read, read_from_bases = set(), set(), set()
    for statement in tree.body:
        # Functions, classes and loops of a config have names of their own, which MMEngine keeps out or does not mind.
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, 'target', None)]
        for target in targets if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)) else []:
            assigned |= {node.id for node in ast.walk(target) if isinstance(node, ast.Name)} if target else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
        name = _base_attribute(node)
        if name is not None:
            read_from_bases.add(name)
    return assigned - {_BASE}, read - {_BASE}, read_from_bases


def read_config_file(path: Path) -> ConfigFile:
    """Names of a config file and of the files it inherits from, without bases of other packages (``mmdet3d::...``).

    Args:
        path (Path): The file: Python, JSON or YAML.

    Returns:
        ConfigFile: Its names.
    """
    text = path.read_text(encoding='utf-8')
    found = set(_PLACEHOLDER.findall(text))
    # Placeholders are neither Python nor JSON where they stand for a number or a dict.
    text = re.sub(r'\{\{[^{}]*\}\}', '0', text) if found else text
    if path.suffix == '.py':
        tree = ast.parse(text, str(path))
        assigned, read, read_from_bases = _names(tree)
        names = _bases(tree)
    else:
        content = json.loads(text) if path.suffix == '.json' else yaml.safe_load(text)
        base = content.pop(_BASE, [])
        assigned, read, read_from_bases = set(content), set(), set()
        names = [base] if isinstance(base, str) else list(base)
    bases = [read_config_file((path.parent / name).resolve()) for name in names if '::' not in name]
    return ConfigFile(path, assigned, read, read_from_bases | found, bases)


def is_misspelt(name: str, keys: frozenset[str]) -> bool:
    """Whether a name looks like one of the keys with a letter wrong."""
    return bool(difflib.get_close_matches(name, keys, n=1, cutoff=_SPELLING))


def unread_names(config: ConfigFile, keys: frozenset[str]) -> dict[str, Path | None]:
    """Names of a config that change nothing, with the files that set them.

    Such is a name of the config itself that is neither a key of the Runner nor read. Names of its bases are offers to
    their children, which need not take them, with two exceptions: a name that a base sets anew over a base of its own,
    and one that looks like a misspelt key of the Runner. Files below a folder ``_base_`` are bases even when they are
    used alone. Names that begin with ``_`` are private.

    Args:
        config (ConfigFile): The config that is used.
        keys (frozenset[str]): What the Runner reads.

    Returns:
        dict[str, Path]: Unread names and their files.
    """
    unread: dict[str, Path | None] = {}

    def visit(file: ConfigFile, read_below: set[str]) -> None:
        names = file.assigned - keys - file.read - read_below
        if file is not config or _BASE in file.path.parts:
            inherited = {name for base in file.ancestors() for name in base.assigned}
            names = {name for name in names if name in inherited or is_misspelt(name, keys)}
        unread.update({name: file.path for name in sorted(names) if not name.startswith('_')})
        for base in file.bases:
            visit(base, read_below | file.read_from_bases)

    visit(config, set())
    return unread
