"""The command line of a tool, and types of its values."""

import argparse
import math
from typing import Any

TRACEBACK_FLAG = '--traceback'


class ToolParser(argparse.ArgumentParser):
    """Argument parser with ``--traceback``, which :func:`projects.cli.run_tool` reads.

    Args:
        *args (Any): As for ``argparse.ArgumentParser``.
        **kwargs (Any): As for ``argparse.ArgumentParser``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_argument(TRACEBACK_FLAG, action='store_true', help='show where in the code an error came up')


def positive_int(text: str) -> int:
    """Whole number of the command line that is at least 1.

    Raises:
        argparse.ArgumentTypeError: If it is less.
        ValueError: If it is none, which argparse says.
    """
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'must be at least 1, got {text}')
    return value


def positive_number(text: str) -> float:
    """Positive finite number of the command line.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'must be a positive number, got {text}')
    return value
