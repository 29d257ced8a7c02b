"""A headless Chromium, where one is installed: what a page looks like, and what its program leaves in it."""

import shutil
import subprocess

import numpy as np
from PIL import Image

PROGRAM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
SIZE = (1000, 640)


def open_page(path, folder, *options):
    """Open a file in Chromium without a display, a network or a graphics card; standard output and error."""
    command = [
        PROGRAM,
        '--headless',
        '--no-sandbox',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        '--enable-logging=stderr',
        f'--user-data-dir={folder / "profile"}',
        f'--window-size={SIZE[0]},{SIZE[1]}',
        '--virtual-time-budget=5000',
        *options,
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def screenshot(path, folder):
    """Picture (H, W, 3) of a page, and what its program wrote to the console."""
    picture = folder / 'page.png'
    _, log = open_page(path, folder, f'--screenshot={picture}')
    return np.asarray(Image.open(picture).convert('RGB')), [line for line in log.splitlines() if 'CONSOLE' in line]


def final_html(path, folder):
    """The document after its program has run."""
    return open_page(path, folder, '--dump-dom')[0]
