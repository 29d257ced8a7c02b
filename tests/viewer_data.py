"""A small grid and a camera for the tests of the viewer."""

from types import SimpleNamespace

import numpy as np

from projects.reporting.viewer import ViewerCamera

FREE = 2
SPEC = SimpleNamespace(
    classes=('road', 'car', 'free'),
    palette=((200, 0, 0), (0, 0, 200), (255, 255, 255)),
    point_cloud_range=(-2.0, -2.0, -1.0, 2.0, 2.0, 1.0),
    grid_size=(4, 4, 4),
)


def camera(image=None):
    """Looks ahead from half a metre before the middle; 8 x 16 pixels, focal length 8 pixels."""
    cam2ego = np.array([[0, 0, 1, 0.5], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    return ViewerCamera(np.array([[8.0, 0, 8], [0, 8, 4], [0, 0, 1]]), cam2ego, (8, 16), image)
