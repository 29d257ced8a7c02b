"""What every depth model is: it predicts metric depth, and if it can how far off that may be.

Shape letters: B batch, H x W network input.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from projects.models import TaskModel


class BaseDepthModel(TaskModel):
    """Parent of students and teachers of depth.

    A student of your own gives ``extract_outputs``, with at least ``depth`` (B, 1, H, W) in metres among its outputs,
    and ``loss_by_outputs``. With ``log_scale`` (B, 1, H, W) it predicts its uncertainty as well.

    Args:
        data_preprocessor (dict | nn.Module, optional): The data preprocessor or its config. Defaults to
            DepthDataPreprocessor.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(self, data_preprocessor: dict | nn.Module | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor or {'type': 'DepthDataPreprocessor'}, init_cfg)

    def check_outputs(self, outputs: Mapping[str, Any], data_samples: Sequence | None = None) -> None:
        """Refuse outputs without ``depth`` (B, 1, H, W).

        Raises:
            ValueError: If there is none, or it has another shape.
        """
        depth = outputs.get('depth')
        shape = tuple(depth.shape) if isinstance(depth, Tensor) else ()
        batch = len(shape[:1] if data_samples is None else data_samples)
        if len(shape) != 4 or shape[1] != 1 or (data_samples is not None and shape[0] != batch):
            given = f'it is {shape}' if shape else f'there are {sorted(outputs)}'
            size = 'B' if data_samples is None else batch
            raise ValueError(
                f"outputs of {type(self).__name__} must have 'depth' of the shape ({size}, 1, H, W), but {given}"
            )

    def predict_outputs(self, inputs: Mapping[str, Any], data_samples: Sequence | None = None) -> dict[str, Tensor]:
        """Outputs at test time with ``valid_mask`` (B, H, W) of the inputs, where they have one."""
        outputs = self.extract_outputs(inputs, data_samples)
        return {**outputs, 'valid_mask': inputs['valid_mask']} if 'valid_mask' in inputs else outputs

    def predict_by_outputs(self, outputs: Mapping[str, Tensor], data_samples: Sequence) -> list:
        """Write ``pred_depth`` (H, W) and, where predicted, ``pred_log_scale`` into the samples, without padding.

        Args:
            outputs (Mapping[str, Tensor]): With ``depth`` and perhaps ``log_scale`` (B, 1, H, W), and perhaps
                ``valid_mask`` (B, H, W), false in the padding.
            data_samples (Sequence[DepthDataSample]): Samples of the batch.

        Returns:
            list[DepthDataSample]: The samples.
        """
        for i, sample in enumerate(data_samples):
            height, width = outputs['depth'].shape[-2:]
            if 'valid_mask' in outputs:
                valid = outputs['valid_mask'][i]
                height, width = int(valid[:, 0].sum()), int(valid[0].sum())
            for name in ('depth', 'log_scale'):
                if name in outputs:
                    setattr(sample, f'pred_{name}', outputs[name][i, 0, :height, :width].float())
        return list(data_samples)
