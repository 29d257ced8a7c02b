"""Students as functions of images alone, with everything that depends on the calibration computed before.

Shape letters: N cameras, H x W network input, X/Y/Z voxels, K classes.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from projects.depth.models import MonoDepthModel
from projects.occupancy.models import LSSOccModel, LSSViewTransform

from .pooling import FixedVoxelPool

_SUPPORTED = (
    'LSSOccModel (FlashOcc and BEVDet-Occ without memory) and MonoDepthModel, and children of both that read no more '
    'inputs and leave lift and view transform as they are. Models with memory, temporal stereo, stereo pairs, LiDAR, '
    'deformable attention or test-time augmentation of the grid cannot be exported'
)


class OccGraph(nn.Module):
    """Lift-splat occupancy of one calibration.

    Args:
        model (LSSOccModel): The student, in eval mode.
        inputs (Mapping[str, Tensor]): Preprocessed inputs of one sample; their calibration is kept.

    Attributes:
        INPUT (str): Name of the images among the inputs.
        outputs (tuple[str, ...]): Names of what :meth:`forward` gives, in order.
    """

    INPUT = 'imgs'
    outputs: tuple[str, ...] = ('occ_logits',)

    def __init__(self, model: LSSOccModel, inputs: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.model = model
        self.calibration = {key: inputs[key] for key in LSSOccModel.INPUTS if key != self.INPUT}
        with torch.no_grad():
            cameras, _, height, width = model.extract_img_feats(inputs).shape[1:]
            index = model.view_transform.rank_frustum(height, width, self.calibration)
        self.pool = FixedVoxelPool(index, cameras * model.view_transform.num_depths * height * width)

    def forward(self, imgs: Tensor) -> tuple[Tensor, ...]:
        """Class logits (1, X, Y, Z, K) of normalised images (1, N, 3, H, W)."""
        model, view_transform = self.model, self.model.view_transform
        inputs = {self.INPUT: imgs, **self.calibration}
        feats = model.extract_img_feats(inputs).flatten(0, 1)
        depth_logits, context = view_transform.predict_depth(feats, inputs)
        lifted = view_transform.to_feature(self.pool(depth_logits.softmax(1), context))
        outputs = model.decode(model.encode_grid(lifted, inputs))
        return tuple(outputs[name] for name in self.outputs)


class DepthGraph(nn.Module):
    """Monocular depth, with ``flip_tta`` where the model has it.

    Args:
        model (MonoDepthModel): The student, in eval mode.
        inputs (Mapping[str, Tensor]): Preprocessed inputs of one sample.

    Attributes:
        INPUT (str): Name of the image among the inputs.
        outputs (tuple[str, ...]): Names of what :meth:`forward` gives, in order.
    """

    INPUT = 'img'

    def __init__(self, model: MonoDepthModel, inputs: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.model = model
        with torch.no_grad():
            found = model.predict_outputs(inputs)
        self.outputs = tuple(name for name in ('depth', 'log_scale') if name in found)

    def forward(self, img: Tensor) -> tuple[Tensor, ...]:
        """Depth in metres and the log of the scale of its error, each (1, 1, H, W), of an image (1, 3, H, W)."""
        outputs = self.model.predict_outputs({self.INPUT: img})
        return tuple(outputs[name] for name in self.outputs)


def graph_of(model: nn.Module, inputs: Mapping[str, Tensor]) -> OccGraph | DepthGraph:
    """The graph of a student for the calibration of a sample.

    Args:
        model (nn.Module): The student, in eval mode.
        inputs (Mapping[str, Tensor]): Preprocessed inputs of one sample.

    Returns:
        OccGraph | DepthGraph: In eval mode.

    Raises:
        ValueError: If the model is of another kind; says which are supported.
    """
    if isinstance(model, MonoDepthModel):
        return DepthGraph(model, inputs).eval()
    if (
        isinstance(model, LSSOccModel)
        and set(model.INPUTS) == set(LSSOccModel.INPUTS)
        and _keeps(LSSOccModel, model, ('extract_outputs', 'predict_outputs', 'lift'))
        and _keeps(LSSViewTransform, model.view_transform, ('forward', 'splat', 'rank_frustum'))
    ):
        return OccGraph(model, inputs).eval()
    raise ValueError(f'{type(model).__name__} cannot be exported. Supported are {_SUPPORTED}')


def _keeps(kind: type, child: object, methods: tuple[str, ...]) -> bool:
    """Whether an object has these methods as a class defines them."""
    return all(getattr(type(child), name, None) is getattr(kind, name) for name in methods)
