"""The command line of a tool, and types of its values."""

import argparse
import math
from pathlib import Path
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


def output_file(text: str) -> Path:
    """File of the command line that is written at the end, so that a name which cannot be one costs no work.

    Raises:
        argparse.ArgumentTypeError: If a folder has that name, or a file that of its folder.
    """
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f'{text} is a folder; give the name of a file')
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise argparse.ArgumentTypeError(f'{text} cannot be written: {above} is a file, not a folder')
    return path


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
