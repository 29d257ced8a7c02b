"""Errors that our code foresaw end a tool in one message; all others keep their traceback, as they may be bugs.

An error was foreseen when a ``raise`` statement of this project made it: its message then says what is wrong and what
to do, and thirty lines of calls above it help nobody. The rule needs no list of exception types, and holds for errors
that came through a DataLoader worker or were wrapped by a registry on their way. An error of the operating system that
names its file (no such file, no permission) is one as well.
"""

import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .parser import TRACEBACK_FLAG

_ROOT = Path(__file__).resolve().parents[2]
_OURS = tuple(str(_ROOT / folder) for folder in ('projects', 'tools'))
_CONFIGS = ('mmengine/config/', 'mmengine/registry/', 'mmengine/runner/checkpoint')
"""Parts of MMEngine whose errors are about what the user wrote: a config, an unknown type, a file of weights."""
_WORKER = re.compile(r'Caught (\w+) in (DataLoader worker process \d+)\.\n')
_FRAME = re.compile(r'^  File "([^"]+)", line \d+, in \S+\n    (.*)$', re.MULTILINE)


def _is_ours(filename: str) -> bool:
    path = filename.replace('\\', '/')
    return filename.startswith(_OURS) or any(part in path for part in _CONFIGS)


def _was_raised_on_purpose(error: BaseException) -> bool:
    """Whether a ``raise`` statement of ours made the error, and not an operation that failed."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return False
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0)
    return _is_ours(frames[-1].filename) and line.lstrip().startswith('raise ')


def _worker_message(text: str) -> str | None:
    """Message of an error of ours inside the text of one that a DataLoader worker handed over."""
    worker = _WORKER.search(text)
    frames = _FRAME.findall(text) if worker else []
    if not worker or not frames or not _is_ours(frames[-1][0]) or not frames[-1][1].startswith('raise '):
        return None
    kind, place = worker.groups()
    messages = re.findall(rf'^(?:[\w.]+\.)?{kind}: (.*)', text, re.MULTILINE | re.DOTALL)
    return f'{messages[-1].strip()} (in {place})' if messages else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _text(error: BaseException) -> str:
    # str() of a KeyError is the repr of its message.
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def foreseen_message(error: BaseException) -> str | None:
    """Message for the user of an error that our code raised on purpose.

    Returns:
        str or None: The message; None when neither the error nor what it was raised from was foreseen.
    """
    for link in _chain(error):
        message = _worker_message(_text(link))
        names_a_file = isinstance(link, OSError) and link.filename is not None
        if message is None and (names_a_file or _was_raised_on_purpose(link)):
            message = _text(link)
        if message:
            return message
    return None


def run_tool(
    main: Callable[[], int | None],
    on_error: Callable[[BaseException], None] | None = None,
    argv: Sequence[str] | None = None,
) -> int:
    """Run the ``main`` of a tool.

    Args:
        main (Callable): Returns the exit code, None for 0.
        on_error (Callable | None): Called with an error before its message is printed, for instance to log its
            traceback. Defaults to None.
        argv (Sequence[str] | None): Command line, searched for ``--traceback``. Defaults to that of the process.

    Returns:
        int: Exit code; 1 after a foreseen error, 130 after Ctrl-C.
    """
    wanted = TRACEBACK_FLAG in (sys.argv[1:] if argv is None else argv)
    try:
        return main() or 0
    except KeyboardInterrupt:
        sys.stderr.write('interrupted\n')
        return 130
    except Exception as error:
        if on_error is not None:
            on_error(error)
        message = foreseen_message(error)
        if message is None or wanted:
            raise
        sys.stderr.write(f'error: {message}\n({TRACEBACK_FLAG} shows where it came up)\n')
        return 1
