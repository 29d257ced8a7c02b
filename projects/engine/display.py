"""Whether this process can open windows."""

import os
import sys


def display_problem() -> str | None:
    """Say why matplotlib cannot open a window here; None if it can.

    Without a display matplotlib falls back to a backend that only draws files, and a window of it would be waited for
    for ever.
    """
    from matplotlib import pyplot as plt

    try:
        plt.switch_backend(plt.get_backend())
        figure = plt.figure()
    except ImportError as error:
        return str(error)
    opens_windows = figure.canvas.required_interactive_framework is not None
    plt.close(figure)
    if opens_windows:
        return None
    if sys.platform.startswith('linux') and not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
        return 'there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)'
    return (
        f'the backend {plt.get_backend()!r} of matplotlib opens none; install a GUI toolkit such as PyQt6 or tkinter, '
        'and leave MPLBACKEND unset'
    )
