"""One process at a time keeps its sessions in a folder; whoever holds the folder's lock is it.

The system frees the lock of a process that ends, however it ends, so no stale one is ever left.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK_FILE = "retrace.lock"


class InUse(RuntimeError):
    """Another process, most likely a server, uses the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is in use by another Retrace; stop that one first")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made where it is missing; InUse where another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("ab") as file:
        try:
            _lock(file)
        except OSError as taken:
            raise InUse(folder) from taken
        yield  # closing the file frees the lock


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
