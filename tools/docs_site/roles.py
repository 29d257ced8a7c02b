"""Docstrings name classes and functions as Sphinx does; in Markdown they are code."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r':(?:attr|class|func|meth|mod|obj):`~?([^`]+)`')


class PlainRoles(griffe.Extension):
    """Turns ``:class:`Name` `` into the name as code."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(r'`\1`', obj.docstring.value)
