"""Depth maps in KITTI's 16-bit PNG files: ``depth = value / 256`` metres, 0 = no measurement.

Predictions may also be arrays of metres.
"""

import os

import cv2
import numpy as np

from projects.fileio import PNG_SIGNATURE, NpzBytes, check_image_size, png_has_end, read_npy_bytes, read_whole

DEPTH_SCALE = 256.0
MAX_STORED_DEPTH = 65535 / DEPTH_SCALE  # 255.996 m
ARRAY_SUFFIXES = ('.npy', '.npz')
"""Files of predictions in metres, besides PNG files."""
ARRAY_KEYS = ('arr_0', 'depth', 'pred')
_LARGEST_ARRAY = 1 << 28


def decode_depth(data: bytes, name: str, scale: float = DEPTH_SCALE) -> np.ndarray:
    """Decode a depth map.

    Args:
        data (bytes): Content of the file.
        name (str): Name for messages.
        scale (float): Values per metre. Defaults to 256.

    Returns:
        np.ndarray: z-depth in metres, 0 = none. Shape (H, W), float32.

    Raises:
        ValueError: If the file is truncated, no PNG, has too many pixels, or not one channel of 16 bits.
    """
    if not data.startswith(PNG_SIGNATURE):
        raise ValueError(f'{name} is not a PNG file; depth maps are single-channel 16-bit PNG')
    if not png_has_end(data):
        raise ValueError(f'{name} is truncated ({len(data)} bytes); copy or download it again')
    check_image_size(data, name)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise ValueError(f'{name} cannot be decoded; copy or download it again')
    if image.dtype != np.uint16 or image.ndim != 2:
        channels = 1 if image.ndim == 2 else image.shape[2]
        raise ValueError(
            f'{name} must be a single-channel 16-bit PNG (metres * 256), got {8 * image.dtype.itemsize} bits and '
            f'{channels} channels; was it saved as a picture?'
        )
    return image.astype(np.float32) / np.float32(scale)


def read_depth(path: str | os.PathLike, scale: float = DEPTH_SCALE) -> np.ndarray:
    """Read a depth map file; see :func:`decode_depth`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no depth map.
    """
    try:
        data = read_whole(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'depth map not found: {path}') from error
    return decode_depth(data, str(path), scale)


def read_prediction(path: str) -> np.ndarray:
    """Read a predicted depth map: a PNG file, or metres in an ``.npy`` or ``.npz`` file (``ARRAY_KEYS``).

    Returns:
        np.ndarray: z-depth in metres, 0 = none. Shape (H, W), float32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or holds no floating-point numbers of the shape (H, W); an axis of 1 in front or
            at the end is taken away.
    """
    if not path.endswith(ARRAY_SUFFIXES):
        return read_depth(path)
    data = read_whole(path)
    if path.endswith('.npy'):
        array = read_npy_bytes(data, path, _LARGEST_ARRAY)
    else:
        content = NpzBytes(data, path)
        keys = content.keys()
        ((_, array),) = content.read(one_of=keys if len(keys) == 1 else ARRAY_KEYS, max_bytes=_LARGEST_ARRAY).items()
    shape = array.shape
    if array.ndim == 3 and 1 in (shape[0], shape[-1]):
        array = array[..., 0] if shape[-1] == 1 else array[0]
    if array.ndim != 2 or not array.size:
        raise ValueError(f'{path} must hold one depth map of the shape (H, W), got {shape}; write one file a frame')
    if array.dtype.kind != 'f':
        raise ValueError(
            f'{path} must hold metres in floating-point numbers, got {array.dtype}; divide by the scale (256 for '
            'KITTI), or write a 16-bit PNG file of metres * 256'
        )
    return array.astype(np.float32)


def encode_depth(depth: np.ndarray, overflow: str = 'clip') -> bytes:
    """Encode metres as KITTI's devkit writes them: truncated to 1/256 m, 0 for none, at least 1/256 m otherwise.

    Args:
        depth (np.ndarray): z-depth in metres, 0 = none. Shape (H, W).
        overflow (str): What to do past 255.996 m: 'clip' or 'refuse'. Defaults to 'clip'.

    Returns:
        bytes: The PNG file.

    Raises:
        ValueError: If the depth holds NaN or negative values, or is too large and ``overflow`` is 'refuse'.
    """
    depth = np.asarray(depth, np.float64)
    if overflow not in ('clip', 'refuse'):
        raise ValueError(f"overflow must be 'clip' or 'refuse', got {overflow!r}")
    if depth.ndim != 2:
        raise ValueError(f'depth must be (H, W), got {depth.shape}')
    if not (depth >= 0).all():
        raise ValueError(f'depth must not hold NaN or negative values; {int((~(depth >= 0)).sum())} pixels do')
    if overflow == 'refuse' and depth.size and depth.max() > MAX_STORED_DEPTH:
        raise ValueError(f'depth reaches {depth.max():.2f} m, but a 16-bit PNG ends at {MAX_STORED_DEPTH:.3f} m')
    values = np.clip(depth * DEPTH_SCALE, np.where(depth > 0, 1, 0), 65535).astype(np.uint16)
    return cv2.imencode('.png', values)[1].tobytes()
