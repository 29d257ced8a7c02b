"""Flip TTA: probabilities return to the frame of the input and are averaged."""

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseDataPreprocessor, BaseModel

from projects.occupancy import OccDataSample
from projects.occupancy.models.tta import OccFlipTTAModel, flip_ego


class SeesPoints(BaseModel):
    """Class 1 in the cell of each point, taken to the model's frame by ``bda_mat``; biased to one side if asked for."""

    def __init__(self, bias=0.0):
        super().__init__(data_preprocessor=BaseDataPreprocessor())
        self.bias = bias

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return inputs

    def extract_outputs(self, inputs, data_samples):
        logits = torch.zeros(len(inputs['bda_mat']), 4, 6, 1, 2)
        for b, (matrix, points) in enumerate(zip(inputs['bda_mat'], inputs['fixed'])):
            x, y = (matrix[:2, :2] @ points.T + torch.tensor([[2.0], [3.0]])).long()
            logits[b, x, y, 0, 1] = 4.0
        logits[:, 0, :, :, 1] += self.bias
        return {'occ_logits': logits}


def data():
    points = torch.tensor([[-1.5, -2.5], [0.5, 1.5]])
    return {
        'inputs': {'bda_mat': torch.eye(4)[None].repeat(2, 1, 1), 'fixed': torch.stack([points, points + 1])},
        'data_samples': [OccDataSample(metainfo={'token': str(i)}) for i in range(2)],
    }


def test_flips_return_to_the_frame_of_the_input():
    model = OccFlipTTAModel(SeesPoints())
    plain = SeesPoints().extract_outputs(data()['inputs'], None)['occ_logits']
    torch.testing.assert_close(model.mean_probabilities(data()['inputs'], []), plain.softmax(-1))
    predictions = [sample.pred_occ for sample in model.test_step(data())]
    torch.testing.assert_close(torch.stack(predictions), plain.argmax(-1).to(torch.uint8))
    assert predictions[0].sum() == 2


def test_probabilities_are_averaged_and_not_logits():
    # The bias of 4 lies on the first row in two of four versions, and on the last row in the others.
    mean = OccFlipTTAModel(SeesPoints(bias=4.0)).mean_probabilities(data()['inputs'], [])
    biased, fair = torch.tensor([0.0, 4.0]).softmax(-1)[1], 0.5
    assert mean[0, 0, 3, 0, 1] == pytest.approx(float(biased + fair) / 2)
    assert mean[0, 3, 3, 0, 1] == pytest.approx(float(biased + fair) / 2)


def test_one_version_is_the_plain_model():
    model = OccFlipTTAModel(SeesPoints(bias=4.0), flips=[(1, 1)])
    plain = SeesPoints(bias=4.0).extract_outputs(data()['inputs'], None)['occ_logits']
    torch.testing.assert_close(model.mean_probabilities(data()['inputs'], []), plain.softmax(-1))


def test_voxels_that_are_nan_in_one_version_have_no_class():
    class IsNaN(SeesPoints):
        def extract_outputs(self, inputs, data_samples):
            outputs = super().extract_outputs(inputs, data_samples)
            if inputs['bda_mat'][0, 0, 0] > 0 and inputs['bda_mat'][0, 1, 1] > 0:
                outputs['occ_logits'][1, 2, 3, 0, 1] = float('nan')
            return outputs

    first, second = (sample.pred_occ for sample in OccFlipTTAModel(IsNaN()).test_step(data()))
    assert not (first == 255).any()
    assert (second == 255).nonzero().tolist() == [[2, 3, 0]]


def test_points_and_matrix_are_mirrored_together():
    inputs = {'bda_mat': torch.eye(4)[None], 'points': [torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])]}
    flipped = flip_ego(inputs, (-1.0, 1.0))
    assert flipped['points'][0].tolist() == [[-1, 2, 3, 4, 5]]
    assert torch.diagonal(flipped['bda_mat'][0]).tolist() == [-1, 1, 1, 1]
    assert inputs['points'][0].tolist() == [[1, 2, 3, 4, 5]]


def test_the_student_of_a_distiller_is_used():
    class Pair(SeesPoints):
        def __init__(self):
            super().__init__()
            self.student = SeesPoints()

        def extract_outputs(self, inputs, data_samples):
            raise AssertionError('the teacher must not run')

    OccFlipTTAModel(Pair()).test_step(data())


def test_wrong_flips_are_refused():
    with pytest.raises(ValueError, match='flips'):
        OccFlipTTAModel(SeesPoints(), flips=[(1, 0.5)])
    assert MODELS.get('OccFlipTTAModel') is OccFlipTTAModel
    assert np.prod(OccFlipTTAModel(SeesPoints()).flips) == 1
