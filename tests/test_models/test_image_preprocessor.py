import pytest
import torch

from projects.depth.models import DepthDataPreprocessor
from projects.models import ImageDataPreprocessor
from projects.occupancy.models import OccDataPreprocessor


def test_images_are_turned_to_rgb_and_normalised_by_channel():
    bgr = torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1).expand(2, 3, 4, 5)
    normalised = ImageDataPreprocessor(mean=[0, 10, 20], std=[1, 2, 5]).normalise(bgr)
    assert normalised[0, :, 0, 0].tolist() == [30.0, 5.0, -2.0]
    kept = ImageDataPreprocessor(mean=[0, 10, 20], std=[1, 2, 5], bgr_to_rgb=False).normalise(bgr)
    assert kept[1, :, 3, 4].tolist() == [10.0, 5.0, 2.0]


@pytest.mark.parametrize('kind', [OccDataPreprocessor, DepthDataPreprocessor])
@pytest.mark.parametrize('wrong', [{'mean': [0.0, 0.0]}, {'std': [1.0, 1.0, 0.0]}])
def test_colours_of_both_tasks_need_three_values_and_positive_deviations(kind, wrong):
    with pytest.raises(ValueError, match='three values each and std > 0'):
        kind(**wrong)
