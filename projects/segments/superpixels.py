"""Superpixels of scikit-image: segments without a model. The defaults give 50 to 100 in an image of nuScenes."""

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from projects.transforms import resize_nearest


def _as_rgb(image: np.ndarray, shrink: int) -> np.ndarray:
    """Image (H, W, 3) BGR as RGB in [0, 1], averaged over blocks of ``shrink`` x ``shrink`` pixels."""
    height, width = image.shape[:2]
    size = (max(1, width // shrink), max(1, height // shrink))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink > 1 else image
    return small[..., ::-1].astype(np.float32) / 255


@dataclass(frozen=True)
class Slic:
    """SLIC: clusters of colour and place (Achanta et al., 2012), each a connected region.

    Args:
        n_segments (int): Segments of an image, about. Defaults to 64.
        compactness (float): Weight of place against colour; more gives squares. Defaults to 10.
        sigma (float): Blur before clustering, in pixels of the shrunk image. Defaults to 1.
        shrink (int): The image is segmented at this fraction of its size. Defaults to 2.
    """

    n_segments: int = 64
    compactness: float = 10.0
    sigma: float = 1.0
    shrink: int = 2

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Segment an image (H, W, 3) uint8 BGR; labels (H, W) from 1."""
        from skimage.segmentation import slic  # half a second that nobody else needs

        rgb = _as_rgb(image, self.shrink)
        labels = slic(rgb, n_segments=self.n_segments, compactness=self.compactness, sigma=self.sigma, start_label=1)
        return resize_nearest(labels, (image.shape[0], image.shape[1]))

    def settings(self) -> dict[str, float]:
        """What the segments depend on."""
        return asdict(self)


@dataclass(frozen=True)
class Felzenszwalb:
    """Graph cuts of Felzenszwalb and Huttenlocher (2004): segments whose size follows the image.

    Args:
        scale (float): More gives larger segments. Defaults to 200.
        sigma (float): Blur before, in pixels of the shrunk image. Defaults to 0.8.
        min_size (int): Smallest segment in pixels of the shrunk image. Defaults to 500.
        shrink (int): The image is segmented at this fraction of its size. Defaults to 2.
    """

    scale: float = 200.0
    sigma: float = 0.8
    min_size: int = 500
    shrink: int = 2

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Segment an image (H, W, 3) uint8 BGR; labels (H, W) from 1."""
        from skimage.segmentation import felzenszwalb

        rgb = _as_rgb(image, self.shrink)
        labels = felzenszwalb(rgb, scale=self.scale, sigma=self.sigma, min_size=self.min_size) + 1
        return resize_nearest(labels, (image.shape[0], image.shape[1]))

    def settings(self) -> dict[str, float]:
        """What the segments depend on."""
        return asdict(self)
