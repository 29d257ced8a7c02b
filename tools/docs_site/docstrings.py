"""What griffe does with docstrings before they are pages: Sphinx markup becomes Markdown."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r':(?:attr|class|func|math|meth|mod|obj):`~?([^`]+)`')
_FORMULA = re.compile(r'^\.\. math:: (.*(?:\n +.*)*)', re.M)


def to_markdown(text: str) -> str:
    r"""A docstring in which names are code, and formulas are blocks of LaTeX: no script that draws them is loaded.

    Args:
        text (str): With roles such as ``:class:`Name```, and ``.. math::`` up to the next empty line.
    """
    return _FORMULA.sub(r'```latex\n\1\n```', _ROLE.sub(r'`\1`', text))


class MarkdownDocstrings(griffe.Extension):
    """Rewrites docstrings, and leaves out attributes of classes that have none: the table of the class has them."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)

    def on_class(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """Leave out attributes without a docstring."""
        for name in [name for name, member in cls.members.items() if member.is_attribute and not member.docstring]:
            del cls.members[name]
