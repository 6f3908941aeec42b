"""Which sessions may go: those that nobody opened for long, by a clock that may be wrong.

A clock starts years behind where a battery is empty, and years ahead where somebody errs. It is
known by its leaps: more or less time went by than the server ran. Where it leaps, the times of
last use leap with it, so that neither a wrong clock nor its correction makes a run older. Nor does
the time without a server count as idleness: nobody could have opened anything. Between two looks
at the clock only the steady one counts: no time of use is taken from a leap that is not known yet.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

DAY = 86_400  # seconds
_LEAP = DAY  # seconds: less than that between two starts is a night


@dataclass(frozen=True)
class Idle:
    """A session that may be deleted, and when it was used last: seconds since 1970."""

    id: str
    used_at: int


@dataclass(frozen=True)
class Look:
    """When the clock was looked at, and what a steady one said then, which only ever runs."""

    clock: int
    steady: float

    def at(self, steady: float) -> int:
        """Return what this clock says when the steady one says that: seconds since 1970."""
        return int(self.clock + steady - self.steady)

    def leap_to(self, now: Look) -> int:
        """Return by how many seconds the clock leapt on the way to `now`; 0 where it ran."""
        leap = round(now.clock - self.clock - (now.steady - self.steady))
        return leap if abs(leap) > _LEAP else 0


def last_look(db: sqlite3.Connection) -> int | None:
    """Return when a server last looked at the clock or, where none did yet, when a session was last
    used; None where neither was noted.
    """
    query = (
        "SELECT COALESCE((SELECT looked_at FROM clock),"
        " (SELECT MAX(used_at) FROM session WHERE typeof(used_at) = 'integer'))"
    )
    found: int | None = db.execute(query).fetchone()[0]
    return found


def note_look(db: sqlite3.Connection, now: int) -> None:
    db.execute("DELETE FROM clock")
    db.execute("INSERT INTO clock VALUES (?)", (now,))


def leap_along(db: sqlite3.Connection, leap: int, now: int) -> None:
    """Move the times of last use by `leap`, those of before it: after it they are right already."""
    if leap > 0:
        query, bound = "UPDATE session SET used_at = used_at + ? WHERE used_at < ?", now - leap // 2
    else:
        query, bound = "UPDATE session SET used_at = used_at + ? WHERE used_at > ?", now
    db.execute(query, (leap, bound))


def expired(db: sqlite3.Connection, before: int, in_use: set[str]) -> list[Idle]:
    """Return the sessions that were last used before then, the longest idle ones first."""
    query = "SELECT id, used_at FROM session WHERE used_at < ? ORDER BY used_at"
    found = (Idle(*row) for row in db.execute(query, (before,)))
    return [idle for idle in found if idle.id not in in_use]
