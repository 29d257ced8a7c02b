"""How much one file may ask of the memory: sizes are read before contents, and what is larger is refused by name.

Each limit lies far above what today's data sets need and far below what stops a machine. For larger data the
environment variable ``GEODISTILL_LIMITS`` multiplies all of them: with ``GEODISTILL_LIMITS=10`` a file may be ten
times as large.
"""

import math
import os

VARIABLE = 'GEODISTILL_LIMITS'

FILE_BYTES = 1 << 30
"""Size of a file that is read as a whole: labels, predictions, images and scans have less than 10 MB."""
ARRAY_BYTES = 1 << 30
"""Unpacked size of an array of an ``.npz`` file."""
IMAGE_PIXELS = 1 << 27
"""Pixels of an image: 134 million, three times those of the largest camera sensors; nuScenes has 1.4 million."""
INFO_BYTES = 4 << 30
"""Size of an info file (pickle): that of v1.0-trainval with ten sweeps has 0.6 GB."""
MAX_VALUES = 1 << 28
"""Values of an info file, or of a checkpoint besides its tensors: v1.0-trainval with ten sweeps has 40 million."""
VALUES_PER_BYTE = 16
"""Values that a byte of an info file may unfold to where parts of it are used several times; ours have less than 2."""
NESTING = 100
"""Depth of lists and dicts inside each other; info files have ten, checkpoints twelve."""
JSON_BYTES = 4 << 30
"""Size of a JSON file: the largest table of nuScenes, ``sample_data.json``, has 1.3 GB."""
TEXT_BYTES = 64 << 20
"""Size of a text file: calibrations and lists of frames have less than 5 MB."""
ARCHIVE_FILES = 100_000
"""Files of a submission: the largest test set has 6019."""


def limit(value: int) -> int:
    """One of the limits of this module, or of a reader, times the factor of the user.

    Raises:
        ValueError: If ``GEODISTILL_LIMITS`` is no number of 1 or more.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return value
    try:
        factor = float(text)
        if not factor >= 1:
            raise ValueError('under 1')
        return int(value * factor)
    except (ValueError, OverflowError):
        raise ValueError(f'the environment variable {VARIABLE} must be a number of 1 or more, got {text!r}') from None


def exceeds(size: int, value: int) -> bool:
    """Whether a size is above a limit; the factor of the user is looked up for those alone that need it."""
    return size > value and size > limit(value)


def advice(needed: float) -> str:
    """What to do about a file that is ``needed`` times as large as a limit."""
    factor = max(2, math.ceil(needed))
    return f'if that is right and the memory suffices, set the environment variable {VARIABLE}={factor}'
