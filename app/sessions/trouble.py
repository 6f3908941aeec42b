"""What keeps the store from being written, in plain words, and who is told: the log as well."""

from __future__ import annotations

import errno
import logging
import math
import sqlite3
import time

DAMAGE = "the store is damaged; stop the server and restore a backup"
MOVED = "the store's file was moved or deleted; put it back, or start the server anew"
READ_ONLY = "the store is read-only"
_FULL = "the disk, or the share of it that RETRACE_DISK_BYTES allows, is full"
_REASONS = {
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR_SHMSIZE": _FULL,  # no room for the 32 KB of the log's index
    "SQLITE_READONLY": READ_ONLY,
    "SQLITE_IOERR": "the disk cannot be written",
    "SQLITE_CANTOPEN": "the store cannot be opened",
    "SQLITE_BUSY": "another program holds the store",
    "SQLITE_CORRUPT": DAMAGE,
    "SQLITE_NOTADB": DAMAGE,
}
# What does not pass while a server runs: the folder's lock may be one that others do not see.
_DENIED = ("SQLITE_READONLY", "SQLITE_CANTOPEN")
_DENIED_BY_SYSTEM = (errno.EROFS, errno.EACCES, errno.EPERM)
_QUIET_SECONDS = 60.0
_log = logging.getLogger("retrace")


class Trouble:
    """The `reason` why nothing is written now, or None. The log is told of each change, but not of
    the same one twice in a minute: on a disk that is nearly full small writes go and large do not.
    """

    def __init__(self, reason: str | None = None) -> None:
        self._told: str | None = None
        self._told_at: dict[str, float] = {}
        self.reason = reason
        self.note(reason)

    def note(self, reason: str | None) -> None:
        self.reason = reason
        now = time.monotonic()
        if reason == self._told:
            return
        if reason is None:
            _log.warning("the store is written again")
        elif now - self._told_at.get(reason, -math.inf) < _QUIET_SECONDS:
            return
        else:
            self._told_at[reason] = now
            _log.warning("the store is not written", extra={"fields": {"reason": reason}})
        self._told = reason


def reason_of(error: sqlite3.Error) -> str | None:
    """Return what is wrong with the disk, in plain words; None where nothing is."""
    name = name_of(error)
    return next((words for start, words in _REASONS.items() if name.startswith(start)), None)


def cause(failure: OSError | sqlite3.Error) -> str:
    """Return why a store cannot be opened to write it, in plain words."""
    if isinstance(failure, OSError):
        denied = failure.errno in _DENIED_BY_SYSTEM
        return READ_ONLY if denied else _REASONS["SQLITE_IOERR"]
    denied = name_of(failure).startswith(_DENIED)
    return READ_ONLY if denied else reason_of(failure) or "the store failed"


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether what is stored is no store any more, or some of it."""
    return reason_of(error) == DAMAGE


def is_no_text(error: sqlite3.Error) -> bool:
    """Tell whether a text of the store is none: Python says so, and has no name for it."""
    return isinstance(error, sqlite3.OperationalError) and not name_of(error)


def name_of(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""
