"""Files that are whole or absent, readers that look at sizes first and run no code, locked folders.

Without torch and mm packages.
"""

from .archives import check_stored_archive, open_archive, open_members, read_member, write_zip
from .files import atomic_write, naming_file, write_once
from .images import PNG_SIGNATURE, check_image_size, check_pixels, image_shape, image_shape_of_file, png_has_end
from .limits import advice, exceeds, limit
from .lock import FolderInUseError, FolderLock
from .names import check_name, file_below, list_names, name_problem
from .npz import NpzBytes, NpzError, read_npy_bytes, read_npz
from .pickles import compact_copy, no_collection, restricted_load
from .processes import start_worker
from .reading import BadFileError, parse_json, read_json, read_text, read_whole
from .structure import check_structure

__all__ = [
    'PNG_SIGNATURE',
    'BadFileError',
    'FolderInUseError',
    'FolderLock',
    'NpzBytes',
    'NpzError',
    'advice',
    'atomic_write',
    'check_image_size',
    'check_name',
    'check_pixels',
    'check_stored_archive',
    'check_structure',
    'compact_copy',
    'exceeds',
    'file_below',
    'image_shape',
    'image_shape_of_file',
    'limit',
    'list_names',
    'name_problem',
    'naming_file',
    'no_collection',
    'open_archive',
    'open_members',
    'parse_json',
    'png_has_end',
    'read_json',
    'read_member',
    'read_npy_bytes',
    'read_npz',
    'read_text',
    'read_whole',
    'restricted_load',
    'start_worker',
    'write_once',
    'write_zip',
]
