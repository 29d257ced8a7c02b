"""Options of the automatic masks of SAM."""

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

_FILES = ('config.json', 'model.safetensors')
_NO_SETTINGS = ('device', 'points_per_batch')
"""Options that say how the same segments are computed."""


@dataclass(frozen=True)
class SamOptions:
    """What makes the automatic masks of SAM: a grid of points, three masks each, the good ones painted smallest on top.

    Masks are chosen at the size that the model gives (a quarter of its input), and those that are kept are enlarged;
    the authors' code enlarges all of them first. It has further options (crops, small regions) that are off there too.

    Args:
        checkpoint (str): Folder with ``config.json`` and ``model.safetensors``, in the layout of transformers.
        device (str): Where the model runs. Defaults to 'cpu'.
        points_per_side (int): Points along each side of the image. Defaults to 32 (default of SAM).
        points_per_batch (int): Points that are decoded at once. Defaults to 64 (default of SAM).
        min_iou (float): Smallest IoU that the model predicts. Defaults to 0.88 (default of SAM).
        min_stability (float): Smallest stability score. Defaults to 0.95 (default of SAM).
        nms_iou (float): Largest overlap of the boxes of two masks. Defaults to 0.7 (default of SAM).

    Raises:
        FileNotFoundError: If a file of the checkpoint is missing.
        ImportError: If transformers is.
    """

    checkpoint: str
    device: str = 'cpu'
    points_per_side: int = 32
    points_per_batch: int = 64
    min_iou: float = 0.88
    min_stability: float = 0.95
    nms_iou: float = 0.7

    def __post_init__(self) -> None:
        missing = [name for name in _FILES if not Path(self.checkpoint, name).is_file()]
        if missing:
            raise FileNotFoundError(
                f'{" and ".join(missing)} not found in {self.checkpoint}; download them from facebook/sam-vit-huge, '
                '-large or -base of huggingface.co, and name their folder'
            )
        if find_spec('transformers') is None:
            raise ImportError(
                'transformers must be installed for SAM: run pip install --no-deps -r requirements-sam.txt, or '
                "pip install -e '.[sam]', in the folder of GeoDistill3D"
            )

    def settings(self) -> dict[str, str | float]:
        """What the segments depend on; of the checkpoint its name, as it may be moved."""
        options = {name: value for name, value in asdict(self).items() if name not in _NO_SETTINGS}
        return {**options, 'checkpoint': Path(self.checkpoint).resolve().name}
