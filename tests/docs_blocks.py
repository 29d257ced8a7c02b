"""What the documentation shows: fenced blocks, and commands and paths in running text."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
PAGES = tuple(
    str(path.relative_to(REPO))
    for pattern in ('README.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'configs/*/README.md', 'projects/**/README.md')
    for path in sorted(REPO.glob(pattern))
)
_FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.M | re.S)
_SPAN = re.compile(r'(?<!`)`([^`\n]+)`(?!`)')
_COMMAND = re.compile(r'(python|bash|make|source|tools/\S+\.(py|sh)) \S')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        page (str): File it stands in.
        line (int): Line of its fence.
        language (str): 'bash', 'python' or ''.
        text (str): What stands between the fences.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def first_line(self):
        return self.text.split('\n', 1)[0]

    @property
    def file(self):
        """Name of the file that the block is, from a comment in its first line; None for a fragment."""
        found = re.fullmatch(r'# ([\w/.-]+\.py)', self.first_line)
        return found.group(1) if found else None

    def __str__(self):
        return f'{self.page}:{self.line}'


def blocks(page):
    """Fenced blocks of a page in order."""
    text = (REPO / page).read_text(encoding='utf-8')
    return [Block(page, text.count('\n', 0, m.start()) + 1, m.group(1), m.group(2)) for m in _FENCE.finditer(text)]


def shell_lines(text):
    """Commands of a shell block: continued lines joined, comments left out."""
    lines = re.sub(r'\\\n\s*', '', text).split('\n')
    words = [shlex.split(line, comments=True) for line in lines]
    return [' '.join(shlex.quote(word) if ' ' in word else word for word in line) for line in words if line]


def without_blocks(page):
    """Text of a page with empty lines in place of its fenced blocks."""
    return _FENCE.sub(lambda m: '\n' * m.group(0).count('\n'), (REPO / page).read_text(encoding='utf-8'))


def spans(page):
    """Inline code of a page, with its line; code of fenced blocks is not looked at."""
    text = without_blocks(page)
    return [(text.count('\n', 0, m.start()) + 1, m.group(1)) for m in _SPAN.finditer(text)]


def commands():
    """Every command of the documentation as (page, line, command)."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            if block.language == 'bash':
                found += [(page, block.line, command) for command in shell_lines(block.text)]
        found += [(page, line, span) for line, span in spans(page) if _COMMAND.match(span)]
    return [(page, line, f'python {text}' if re.match(r'tools/\S+\.py ', text) else text) for page, line, text in found]
