"""What of the store's share of the disk may be used for what.

New runs stop first, then checkpoints, which only spare computing: the rest is for the commands of
those who are at work. What others fill deletes nobody's run.
"""

from __future__ import annotations

import sqlite3

from app.limits import setting_of
from app.sessions.writer import NotStored

_FOR_NEW_RUNS = 0.9
_FOR_CHECKPOINTS = 0.95


def check_new_run(db: sqlite3.Connection, disk_bytes: int) -> None:
    """Raise NotStored where what is left is kept for the runs that are there."""
    if used_bytes(db) > _FOR_NEW_RUNS * disk_bytes:
        setting = setting_of("disk_bytes")
        raise NotStored(f"the share of the disk that new runs may use is used up ({setting})")


def has_checkpoints_room(db: sqlite3.Connection, disk_bytes: int) -> bool:
    return used_bytes(db) <= _FOR_CHECKPOINTS * disk_bytes


def used_bytes(db: sqlite3.Connection) -> int:
    """Return how many bytes of the store hold something: those of what is gone are used again."""
    count, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((count - free) * size)
