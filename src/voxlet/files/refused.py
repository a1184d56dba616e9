"""What the system refuses, as one error that names the file or folder."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from voxlet.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def writing(
    where: object,
    what: str = "cannot be written",
    *,
    remedy: str | None = "check the folder and its free space",
) -> Iterator[None]:
    """Turn what the system refuses while the block runs into one error that names the file or folder.

    Raises:
        FileError: The block raised an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise FileError(f"{what} ({error.strerror or error})", where=where, remedy=remedy) from error
