"""Automatic masks of SAM (Kirillov et al., 2023), by the model of transformers and without torchvision.

P points of one image, h x w the size of the masks that the model gives: a quarter of its input.
"""

import functools
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .masks import distinct_masks, good_masks, paint_masks
from .sam_options import SamOptions

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@functools.lru_cache(maxsize=1)
def load_sam(checkpoint: str, device: str) -> Any:
    """Load a ``SamModel``; one is kept per process.

    Args:
        checkpoint (str): Folder with ``config.json`` and ``model.safetensors`` in the layout of transformers.
        device (str): Where it runs.

    Raises:
        ValueError: If the weights are not those of such a model.
    """
    from transformers import SamModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    model, report = SamModel.from_pretrained(
        checkpoint, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    wrong = {key: sorted(map(str, report[key])) for key in ('missing_keys', 'mismatched_keys') if report[key]}
    if wrong:
        shown = '; '.join(f'{len(names)} {key}: {", ".join(names[:3])}' for key, names in wrong.items())
        raise ValueError(f'{checkpoint} does not hold the weights of a SAM of its config.json: {shown}')
    return model.eval().requires_grad_(False).to(device)


def prepare_image(image: np.ndarray, size: int) -> tuple[Tensor, tuple[int, int]]:
    """Resize an image so that its longer side has ``size`` pixels, normalise it, and fill it up to a square.

    Args:
        image (np.ndarray): (H, W, 3) uint8 BGR.
        size (int): Side of the model's input.

    Returns:
        tuple[Tensor, tuple[int, int]]: Pixels (1, 3, size, size), and height and width of the picture in them.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    new_height, new_width = int(height * scale + 0.5), int(width * scale + 0.5)
    rgb = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    small = torch.from_numpy(np.array(rgb.resize((new_width, new_height), Image.Resampling.BILINEAR)))
    pixels = (small.float() / 255 - torch.tensor(_MEAN)) / torch.tensor(_STD)
    padded = F.pad(pixels.permute(2, 0, 1), (0, size - new_width, 0, size - new_height))
    return padded[None], (new_height, new_width)


def grid_points(per_side: int, picture: tuple[int, int]) -> Tensor:
    """Points of a regular grid over a picture (height, width), as x and y in pixels. Shape (P, 2)."""
    steps = (torch.arange(per_side) + 0.5) / per_side
    rows, columns = torch.meshgrid(steps * picture[0], steps * picture[1], indexing='ij')
    return torch.stack([columns, rows], dim=-1).reshape(-1, 2)


@torch.no_grad()
def automatic_masks(image: np.ndarray, options: SamOptions) -> np.ndarray:
    """Segment an image.

    Args:
        image (np.ndarray): (H, W, 3) uint8 BGR.
        options (SamOptions): Checkpoint and thresholds.

    Returns:
        np.ndarray: Labels (H, W), 0 where no mask is.
    """
    model = load_sam(options.checkpoint, options.device)
    size = model.config.vision_config.image_size
    pixels, picture = prepare_image(image, size)
    logits, scores = _candidates(model, pixels.to(options.device), picture, options)
    kept = distinct_masks(_without_filling(logits, picture, size) > 0, scores, options.nms_iou)
    shape = (image.shape[0], image.shape[1])
    masks = [_enlarge(logits[index], size, picture, shape) for index in kept.tolist()]
    return paint_masks(np.stack(masks) if masks else np.zeros((0, *shape), bool))


def _without_filling(logits: Tensor, picture: tuple[int, int], size: int) -> Tensor:
    """The part of masks (..., h, w) that shows the picture: what is beyond belongs to no mask."""
    height, width = (-(-side * logits.shape[-1] // size) for side in picture)
    return logits[..., :height, :width]


def _candidates(model: Any, pixels: Tensor, picture: tuple[int, int], options: SamOptions) -> tuple[Tensor, Tensor]:
    """Logits (M, h, w) and scores (M,) of the good masks of all points."""
    embedding = model.get_image_embeddings(pixels)
    found = []
    points = grid_points(options.points_per_side, picture).to(pixels.device)
    for part in points.split(options.points_per_batch):
        output = model(image_embeddings=embedding, input_points=part[None, :, None], multimask_output=True)
        logits, scores = output.pred_masks.float().flatten(0, 2), output.iou_scores.float().flatten()
        shown = _without_filling(logits, picture, pixels.shape[-1])
        good = good_masks(shown, scores, options.min_iou, options.min_stability)
        found.append((logits[good], scores[good]))
    return torch.cat([logits for logits, _ in found]), torch.cat([scores for _, scores in found])


def _enlarge(logits: Tensor, size: int, picture: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """One mask (h, w) at the size of its image, bool: to that of the model's input, without the filling, and on."""
    whole = F.interpolate(logits[None, None], (size, size), mode='bilinear', align_corners=False)
    part = whole[0, 0, : picture[0], : picture[1]].cpu().numpy()
    return cv2.resize(part, shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
