"""What the transforms of both tasks share: reading of images, random draws, sizes. It registers nothing."""

from .image_files import as_image, read_image, read_image_reduced
from .resizing import resize_matrix, resize_nearest

__all__ = ['as_image', 'read_image', 'read_image_reduced', 'resize_matrix', 'resize_nearest']
