"""Classes of the code and what their constructors and attributes are called, read without importing anything."""

import ast
import functools
import re
from collections import defaultdict

from docs_blocks import REPO

#: Names in the text that look like classes and are others: of libraries, of operators, of papers.
FOREIGN = {
    *(
        'AmpOptimWrapper',
        'BatchNorm2d',
        'ConvModule',
        'EFFOcc',
        'EMAHook',
        'RaySamples',
        'ResNet',
        'SILog',
        'ScatterND',
    ),
    'SwinTransformer',
}
_NAME = re.compile(r'\b(?P<name>[A-Z]+[a-z0-9]+[A-Z]\w*|[A-Z]{2,}[a-z]\w*)\b(?:\.(?P<member>[a-z]\w*))?(?P<call>\()?')
_PASSED = re.compile(r'(?:^|[(,]\s*)(\w+)=')


@functools.cache
def classes():
    """Definitions of every class below projects, by name."""
    found = defaultdict(list)
    for path in sorted((REPO / 'projects').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(node)
    return dict(found)


@functools.cache
def members(name):
    """Arguments, methods and attributes of a class and of its parents below projects."""
    found = set()
    for node in classes().get(name, ()):
        for part in node.body:
            if isinstance(part, ast.FunctionDef):
                found.add(part.name)
            if isinstance(part, ast.FunctionDef) and part.name == '__init__':
                found |= {argument.arg for argument in (*part.args.args, *part.args.kwonlyargs)}
            targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, 'target', None)]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        for base in node.bases:
            found |= members(base.value.id if isinstance(base, ast.Subscript) else getattr(base, 'id', ''))
    return found


def unknown_names(span):
    """Classes in a piece of code of the text that are not there, and their arguments and members that are not."""
    wrong = []
    for match in _NAME.finditer(span):
        name, member = match['name'], match['member']
        if name in FOREIGN or name.isupper():
            continue
        if name not in classes():
            wrong.append(name)
            continue
        passed = _PASSED.findall(f'({span[match.end() :].split(")")[0]}') if match['call'] else []
        used = [*passed, *([member] if member and member not in ('py', 'md') else [])]
        wrong += [f'{name}.{word}' for word in used if word not in members(name)]
    for kind, rest in re.findall(r"type='(\w+)'([^)]*)", span):
        given = _PASSED.findall(f'({rest}')
        wrong += [f'{kind}.{word}' for word in given if kind in classes() and word not in members(kind)]
    return wrong
