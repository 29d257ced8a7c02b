import numpy as np

from projects.transforms import resize_matrix


def test_a_resize_moves_the_middle_of_a_block_onto_its_pixel():
    """Half the width, a quarter of the height: columns 0 and 1, rows 0 to 3 become pixel (0, 0); their middle is
    (0.5, 1.5).
    """
    assert (resize_matrix(0.5, 0.25) @ [0.5, 1.5, 1.0]).tolist() == [0.0, 0.0, 1.0]
    assert np.array_equal(resize_matrix(1.0, 1.0), np.eye(3))
