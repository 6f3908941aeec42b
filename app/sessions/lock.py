"""One process at a time keeps its sessions in a folder; whoever holds the folder's lock is it.

The system frees the lock of a process that ends, however it ends, so no stale one is ever left.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO

LOCK_FILE = "retrace.lock"
_DENIED = (errno.EROFS, errno.EACCES, errno.EPERM)


class InUse(RuntimeError):
    """Another process, most likely a server, uses the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is in use by another Retrace; stop that one first")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made where it is missing; InUse where another process does.

    A folder that cannot be written is held by the lock's file as it is, if there is one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _opened(folder / LOCK_FILE) as file:
        try:
            if file:
                _lock(file)
        except OSError as taken:
            raise InUse(folder) from taken
        yield  # closing the file frees the lock


def _opened(path: Path) -> AbstractContextManager[IO[bytes] | None]:
    """Open the lock's file, only to read it where it cannot be written; None if it cannot be made.

    Nobody makes a store in a folder that takes no file, so there is nothing to guard.
    """
    try:
        return path.open("ab")
    except OSError as denied:
        if denied.errno not in _DENIED:
            raise
    return path.open("rb") if path.exists() else nullcontext()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
