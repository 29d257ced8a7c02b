"""Files and functions of the code base are short enough to be read at once."""

import ast
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
FILES = sorted(path for folder in ('projects', 'tools') for path in (REPO / folder).rglob('*.py'))
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 330, 60


def functions_of(source):
    """Names of all functions of a file, those inside others too, with their number of lines without decorators."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_file_is_longer_than_330_lines():
    lines = {str(path.relative_to(REPO)): len(path.read_text(encoding='utf-8').splitlines()) for path in FILES}
    assert len(lines) > 400
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}


def test_no_function_is_longer_than_60_lines():
    found = {
        f'{path.relative_to(REPO)}: {name}': lines
        for path in FILES
        for name, lines in functions_of(path.read_text(encoding='utf-8'))
        if lines > MOST_LINES_OF_A_FUNCTION
    }
    assert not found


def test_the_lines_of_a_function_are_counted_from_its_name_to_its_end_and_inside_others_too():
    source = '@wrapped\ndef outer(a,\n          b):\n    async def inner():\n        pass\n\n    return inner\n'
    assert dict(functions_of(source)) == {'outer': 6, 'inner': 2}
