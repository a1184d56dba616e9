"""Files and folders that appear whole or not at all, their names, locks, and the cache folder."""

from voxlet.files.cache import CACHE_VARIABLE, cache_folder, cache_path, writing_cache
from voxlet.files.folders import (
    ABANDONED_SECONDS,
    atomic_folder,
    is_file,
    is_folder,
    is_there,
    make_folder,
    real_path,
    temporary_folder,
)
from voxlet.files.locks import exclusive
from voxlet.files.names import fold_name, safe_name, safe_names
from voxlet.files.os_errors import patiently, writing
from voxlet.files.whole import (
    atomic_file,
    descriptor_of,
    flush,
    is_special,
    spooled,
    write_atomically,
    write_new,
)

__all__ = [
    "ABANDONED_SECONDS",
    "CACHE_VARIABLE",
    "atomic_file",
    "atomic_folder",
    "cache_folder",
    "cache_path",
    "descriptor_of",
    "exclusive",
    "flush",
    "fold_name",
    "is_file",
    "is_folder",
    "is_special",
    "is_there",
    "make_folder",
    "patiently",
    "real_path",
    "safe_name",
    "safe_names",
    "spooled",
    "temporary_folder",
    "write_atomically",
    "write_new",
    "writing",
    "writing_cache",
]
