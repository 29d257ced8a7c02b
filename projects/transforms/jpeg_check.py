"""Whether a JPEG file lost a part between its first and its last bytes, which OpenCV decodes without a word."""

import cv2
import numpy as np

_GREY = 128
_CORNERS = ((0, 0), (0, -1), (-1, 0), (-1, -1))
# Codes of every length without a mark (0xff); the first byte closes a 0xff that may stand before it.
_FILLER = b'\x00' + bytes(range(1, 255)) * 4


def lost_part(data: bytes, image: np.ndarray, flags: int) -> bool:
    """Whether the scan of a JPEG file ends before the picture does.

    The decoder fills blocks that it has no data for with the grey value 128. So where no corner of the picture is of
    that grey, the scan does not end early, and the check has cost some microseconds; else the picture is decoded once
    more with other bytes in front of the end mark, which a whole scan does not reach.

    It finds a scan without its end, and nearly every loss of a block of the disk (512 bytes and more), after which
    fewer picture blocks can be decoded. Not found are a loss within the last block of the picture, and one of a few
    bytes after which the decoder finds its way again within the right number of blocks; only a checksum would tell.

    Args:
        data (bytes): The file, with its end mark.
        image (np.ndarray): What OpenCV made of it. Shape (h, w) or (h, w, 3), uint8.
        flags (int): Flags of ``cv2.imdecode`` that it was decoded with.
    """
    grey = _GREY if image.ndim == 2 else [_GREY] * image.shape[2]
    if not any(image[corner].tolist() == grey for corner in _CORNERS):
        return False
    end = data.rfind(b'\xff\xd9')
    filled = np.frombuffer(data[:end] + _FILLER + data[end:], np.uint8)
    return not np.array_equal(cv2.imdecode(filled, flags), image)
