"""Inflate and CRC-32 of isal where it is installed, several times faster than those of zlib."""

import zlib
from importlib import import_module
from typing import Any

codec: Any
try:
    codec = import_module('isal.isal_zlib')  # the interface of zlib
except ImportError:
    codec = zlib

crc32 = codec.crc32
