"""Graphs of images alone give what the models give, and what is no such function is refused."""

import pytest
import torch

from projects.deploy import graph_of
from projects.depth.models import StereoDepthModel
from projects.occupancy.models import (
    BEVFormerOccModel,
    FusionOccModel,
    LidarOccModel,
    LSSOccModel,
    StereoLSSOccModel,
    TemporalLSSOccModel,
)


class OtherLiftModel(LSSOccModel):
    """A child that lifts in its own way."""

    def lift(self, img_feats, inputs):
        return super().lift(img_feats, inputs)


def test_graph_gives_the_outputs_of_the_model_for_other_images_of_the_calibration(student):
    model, inputs = student
    graph = graph_of(model, inputs)
    others = {**inputs, graph.INPUT: torch.randn_like(inputs[graph.INPUT])}
    with torch.no_grad():
        outputs, expected = graph(others[graph.INPUT]), model.predict_outputs(others)
    assert len(outputs) == len(graph.outputs) > 0
    for name, output in zip(graph.outputs, outputs):
        torch.testing.assert_close(output, expected[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    'kind',
    [
        TemporalLSSOccModel,
        StereoLSSOccModel,
        BEVFormerOccModel,
        FusionOccModel,
        LidarOccModel,
        StereoDepthModel,
        OtherLiftModel,
    ],
)
def test_other_models_are_refused_with_those_that_are_supported(kind):
    with pytest.raises(ValueError, match=f'{kind.__name__} cannot be exported. Supported are LSSOccModel .* MonoDepth'):
        graph_of(kind.__new__(kind), {})
