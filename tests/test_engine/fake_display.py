"""A matplotlib backend with windows that nobody sees: ``MPLBACKEND=module://fake_display`` tests what would be shown.

With ``FAKE_DISPLAY_LOG`` set, each window adds a line ``title seconds`` to that file.
"""

import os

import numpy as np
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

SHOWN = []


class FigureManager(FigureManagerBase):
    """Window that keeps its title."""

    title = None

    def set_window_title(self, title):
        self.title = title

    def get_window_title(self):
        return self.title

    def show(self):
        self.was_shown = True


class FigureCanvas(FigureCanvasAgg):
    """Canvas whose user waits the given time and does nothing."""

    # The one framework that matplotlib accepts on machines with and without a display.
    required_interactive_framework = 'headless'
    manager_class = FigureManager

    def start_event_loop(self, timeout=0):
        assert self.manager.was_shown
        SHOWN.append((self.manager.title, timeout, np.asarray(self.figure.axes[0].images[0].get_array())))
        if os.environ.get('FAKE_DISPLAY_LOG'):
            with open(os.environ['FAKE_DISPLAY_LOG'], 'a', encoding='utf-8') as file:
                file.write(f'{self.manager.title} {timeout}\n')
