"""Test-time augmentation of occupancy models. B batch, X/Y/Z voxels, K classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseTTAModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from .heads import BaseOccHead

FLIPS = ((1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))


def flip_ego(inputs: Mapping[str, Any], signs: tuple[float, float]) -> dict[str, Any]:
    """Mirror the ego frame of preprocessed inputs: ``bda_mat`` and, when present, ``points``.

    Args:
        inputs (Mapping[str, Any]): ``bda_mat`` (B, 4, 4) and perhaps a list ``points`` of (P, 5).
        signs (tuple[float, float]): Factors of x and y, 1 or -1.

    Returns:
        dict[str, Any]: A copy with these entries changed.
    """
    bda_mat = inputs['bda_mat']
    flip = torch.diag(bda_mat.new_tensor([*signs, 1.0, 1.0]))
    flipped = {**inputs, 'bda_mat': flip @ bda_mat}
    if 'points' in inputs:
        flipped['points'] = [
            torch.cat([points[:, :2] * points.new_tensor(signs), points[:, 2:]], 1) for points in inputs['points']
        ]
    return flipped


@MODELS.register_module()
class OccFlipTTAModel(BaseTTAModel):
    """Average the class probabilities over mirrored BEV grids (RadOcc's entry on the test server).

    The images of all versions are the same: only the grid into which they are lifted is mirrored, so the data are
    loaded once and the pipeline is that of the plain model.

    Args:
        module (dict | nn.Module): An occupancy model, or a Distiller, whose student is used.
        flips (Sequence[Sequence[float]]): Factors of x and y, one pair per version. Defaults to none, x, y and both.
        data_preprocessor (dict | nn.Module | None): See ``BaseTTAModel``. Defaults to None.
    """

    def __init__(
        self,
        module: dict | nn.Module,
        flips: Sequence[Sequence[float]] = FLIPS,
        data_preprocessor: dict | nn.Module | None = None,
    ) -> None:
        super().__init__(module, data_preprocessor)
        if not flips or any(len(pair) != 2 or any(abs(sign) != 1 for sign in pair) for pair in flips):
            raise ValueError(f'flips must be pairs of 1 and -1, got {flips}')
        self.flips = tuple((float(x), float(y)) for x, y in flips)

    def test_step(self, data: dict) -> list[BaseDataElement]:
        """Predict a batch.

        Args:
            data (dict): Collated ``inputs`` and ``data_samples``, as for the plain model.

        Returns:
            list[BaseDataElement]: The samples with ``pred_occ`` (X, Y, Z) uint8.
        """
        data = self.module.data_preprocessor(data, False)
        probabilities = self.mean_probabilities(data['inputs'], data['data_samples'])
        return self.merge_preds([data['data_samples'], probabilities])

    def mean_probabilities(self, inputs: Mapping[str, Any], data_samples: Sequence) -> Tensor:
        """Mean over the versions of the softmax, in the frame of the input. Shape (B, X, Y, Z, K)."""
        model = getattr(self.module, 'student', self.module)
        total = None
        for signs in self.flips:
            logits = model.extract_outputs(flip_ego(inputs, signs), data_samples)['occ_logits']
            axes = [axis + 1 for axis, sign in enumerate(signs) if sign < 0]
            probabilities = logits.float().softmax(-1).flip(axes)
            total = probabilities if total is None else total.add_(probabilities)
        return total.div_(len(self.flips))

    def merge_preds(self, data_samples_list: list) -> list[BaseDataElement]:
        """Write the most likely class into the samples.

        Args:
            data_samples_list (list): The samples, and the mean probabilities (B, X, Y, Z, K).

        Returns:
            list[BaseDataElement]: The samples with ``pred_occ``.
        """
        samples, probabilities = data_samples_list
        for sample, pred in zip(samples, BaseOccHead.predict(probabilities)):
            sample.pred_occ = pred
        return list(samples)
