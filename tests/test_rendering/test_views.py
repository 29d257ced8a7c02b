import numpy as np
import torch

from projects.rendering import RenderedRays, image_pixels, view_of


def test_pixels_of_an_image_come_row_by_row():
    assert image_pixels((2, 3)).tolist() == [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]


def test_a_view_has_the_mean_depth_and_the_class_of_what_was_hit():
    """Two pixels: one ray ends for 3/4 at 10 m and 1/4 nowhere, the other ends for 1/4 only."""
    rendered = RenderedRays(
        weights=torch.tensor([[0.75], [0.25]]),
        depths=torch.tensor([7.5, 2.5]),
        semantics=torch.tensor([[-1.0, 3.0], [2.0, 0.0]]),
        opacities=torch.tensor([0.75, 0.25]),
    )
    view = view_of(rendered, (1, 2))
    assert view.depths[0, 0] == 10.0
    assert np.isnan(view.depths[0, 1])
    assert view.semantics.tolist() == [[1, 2]]  # 2 is free
    assert view.weights.shape == (1, 2, 1)
