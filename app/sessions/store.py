"""The store: sessions in one SQLite file. One writer, and a thread that only reads."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from app.limits import Limits
from app.sessions.expiry import DAY, Idle, Look, expired, last_look, leap_along, note_look
from app.sessions.room import check_new_run, has_checkpoints_room, used_bytes
from app.sessions.rows import (
    Place,
    Stored,
    bodies,
    load,
    reading,
    write_change,
    write_edits,
    write_furthest,
    write_saved,
    write_session,
    write_shown,
)
from app.sessions.schema import FILE, connect, connect_to_read, prepare
from app.sessions.trouble import DAMAGE, READ_ONLY, cause, is_damage, is_no_text
from app.sessions.writer import NotStored, Refusing, Writer
from app.timeline.saved import Saved

T = TypeVar("T")
# What a damaged row makes of reading it: of its JSON, its blobs, or numbers that do not fit.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, struct.error)

_LARGE_BYTES = 1 << 18  # which takes a few milliseconds to write


class Damaged(Exception):
    """What the store has of a session cannot be read."""

    def __init__(self) -> None:
        super().__init__(
            "this run is damaged: what is stored of it cannot be read; a backup may bring it back"
        )


class Store:
    """Opens `folder`/retrace.sqlite3, making both where they are missing.

    Raises BadStore where the file is damaged or newer. What a coroutine wrote is committed when it
    returns; NotStored where it could not be.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        on_commit: Callable[[float, int], None] = lambda *_: None,
    ) -> None:
        self._file, self._limits, self._on_commit = folder / FILE, limits, on_commit
        failure = prepare(self._file)
        self._reading = ThreadPoolExecutor(1, "read")
        self.writer: Writer | Refusing
        self._begin(cause(failure) if failure else None)
        now = _look()
        last = last_look(self._db)
        self._looked = now if last is None else Look(last, now.steady)

    def _begin(self, problem: str | None) -> None:
        """Open the store, only to read it where it cannot be written for now."""
        if problem == READ_ONLY:
            self.writer, self._db = Refusing(problem), connect_to_read(self._file)
            return
        try:
            self._open()
            self.writer.trouble.note(problem)
        except sqlite3.OperationalError as failure:
            self.writer = Refusing(cause(failure), self._open_later)
            self._db = connect_to_read(self._file)

    def _open(self, lock_seconds: float | None = None) -> Writer:
        """Open the store to write it and to read it with its log, or raise OperationalError."""
        writing = _for_writing(self._file, self._limits, lock_seconds)
        self._db = connect(self._file, "ro")
        self.writer = Writer(writing, self._on_commit)
        return self.writer

    async def _open_later(self) -> Writer | None:
        """Open the store where that goes by now, in the thread that reads: what is written must
        not be in the way of one who reads without the log.
        """
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._open_anew)

    def _open_anew(self) -> Writer | None:
        if isinstance(self.writer, Writer):
            return self.writer
        without_log = self._db
        try:
            writer = self._open(lock_seconds=0)
        except sqlite3.Error:
            return None
        without_log.close()
        return writer

    @property
    def used_bytes(self) -> float:
        """Return how many bytes are in use; nan where that cannot be read just now."""
        try:
            with closing(connect(self._file, "ro", lock_seconds=0)) as db:
                return used_bytes(db)
        except sqlite3.Error:
            return math.nan

    async def close(self) -> None:
        """Write what waits, and end. The writer goes last: SQLite then folds its log away."""
        await asyncio.to_thread(self._reading.shutdown)
        self._db.close()
        await asyncio.to_thread(self.writer.close)

    async def insert(self, stored: Stored) -> None:
        """Write a new session; NotStored also where the rest of the disk is for those there."""

        def write(db: sqlite3.Connection) -> None:
            check_new_run(db, self._limits.disk_bytes)
            write_session(db, stored, self.now())

        await self.writer.put(write, _is_large(stored.saved, stored.text))

    async def move(self, session_id: str, place: Place, body: dict[str, Any] | None) -> None:
        """Write the place and, in the same transaction, the change that led there."""
        await self.writer.put(lambda db: write_change(db, session_id, place, body, self.now()))

    async def stand(self, session_id: str, place: Place) -> None:
        """Write the place where playing came, and that no step beyond its furthest was seen."""

        def write(db: sqlite3.Connection) -> None:
            write_change(db, session_id, place, None, self.now())
            write_furthest(db, session_id, place.furthest)

        await self.writer.put(write)

    async def edit(
        self,
        session_id: str,
        place: Place,
        body: dict[str, Any],
        edits: list[dict[str, Any]],
        undo_stack: list[dict[str, Any]],
        saved: Saved,
    ) -> None:
        """Write an edit or an undo, and with it what is left of the checkpoints."""

        def write(db: sqlite3.Connection) -> None:
            write_change(db, session_id, place, body, self.now())
            write_furthest(db, session_id, place.furthest)
            write_edits(db, session_id, edits, undo_stack)
            write_saved(db, session_id, saved)

        await self.writer.put(write, _is_large(saved))

    async def save(self, session_id: str, place: Place, saved: Saved) -> bool:
        """Keep the place and the checkpoints that spare a restart the computing.

        Return whether there was room for those.
        """
        kept = False

        def write(db: sqlite3.Connection) -> None:
            nonlocal kept
            write_change(db, session_id, place, None, self.now())
            kept = has_checkpoints_room(db, self._limits.disk_bytes)
            if kept:
                write_saved(db, session_id, saved)

        await self.writer.put(write, _is_large(saved))
        return kept

    async def note_seen(self, session_id: str, furthest: int, machine: str) -> None:
        """Write that steps up to this one may have been seen, and what computed them."""
        await self.writer.put(lambda db: write_shown(db, session_id, furthest, machine, self.now()))

    async def note_use(self, session_id: str) -> None:
        """Write that somebody has a session open now."""
        query = "UPDATE session SET used_at = ? WHERE id = ?"
        await self.writer.put(lambda db: db.execute(query, (self.now(), session_id)))

    def now(self) -> int:
        """Return the time by the last look at the clock: seconds since 1970."""
        return self._looked.at(_steady())

    async def load(self, key: str) -> Stored | None:
        """Return the session of a writing or a reading key; Damaged where it cannot be read."""
        return await self._read(lambda db: load(db, key))

    async def exists(self, key: str) -> bool:
        """Tell whether a writing or a reading key opens a session, without reading it."""
        query = "SELECT 1 FROM session WHERE id = ? OR read_id = ?"
        return bool(await self._read(lambda db: db.execute(query, (key, key)).fetchall()))

    async def writes(self, key: str) -> bool:
        """Tell whether a key is a writing one."""
        query = "SELECT 1 FROM session WHERE id = ?"
        return bool(await self._read(lambda db: db.execute(query, (key,)).fetchall()))

    async def body_of(self, session_id: str, command_id: str) -> dict[str, Any] | None:
        """Return what became of a command, or None if it is not known (any more)."""
        query = "SELECT body FROM change WHERE session_id = ? AND command_id = ?"
        found = await self._read(lambda db: bodies(db, query, (session_id, command_id)))
        return found[0] if found else None

    async def commands(self, session_id: str) -> list[str]:
        """Return the ids of the commands that are kept, the oldest first."""
        query = (
            "SELECT command_id FROM change WHERE session_id = ? AND command_id IS NOT NULL"
            " ORDER BY number"
        )
        rows = await self._read(lambda db: db.execute(query, (session_id,)).fetchall())
        return [row[0] for row in rows]

    async def bodies_since(
        self, session_id: str, number: int, most: int
    ) -> list[dict[str, Any]] | None:
        """Return the changes behind the one of this number, those that are kept, in order; None
        where they take more than `most` bytes, which are not read then.
        """
        behind = "FROM change WHERE session_id = ? AND number > ? ORDER BY number"
        which = (session_id, number)

        def read(db: sqlite3.Connection) -> list[dict[str, Any]] | None:
            # A few rows may be enough to know that it is too much.
            query = f"SELECT LENGTH(CAST(body AS BLOB)) {behind}"
            with reading(db, query, which) as lengths:
                if any(size > most for size in accumulate(row[0] for row in lengths)):
                    return None
            return bodies(db, f"SELECT body {behind}", which)

        return await self._read(read)

    async def follow_clock(self) -> int:
        """Where the clock leapt, let the times of last use leap with it; return the seconds.

        What lies between the last look and the opening of the store is such a leap too.
        """
        before, now = self._looked, _look()
        leap = before.leap_to(now)

        def write(db: sqlite3.Connection) -> None:
            if leap:
                leap_along(db, leap, self.now())
            note_look(db, now.clock)

        self._looked = now  # before it is written: no use that is noted behind it is moved along
        try:
            await self.writer.put(write)
        except NotStored:
            self._looked = before
            raise
        return leap

    async def expired(self, in_use: set[str]) -> list[Idle]:
        """Return who may go: those not used for long."""
        before = self.now() - self._limits.idle_days * DAY
        return await self._read(lambda db: expired(db, before, in_use))

    async def delete(self, idle: Idle) -> None:
        """Delete a session, unless it was used since."""

        def write(db: sqlite3.Connection) -> None:
            query = "DELETE FROM session WHERE id = ? AND used_at = ?"
            db.execute(query, (idle.id, idle.used_at))

        await self.writer.put(write)

    async def _read(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `call` reads; Damaged where it cannot be read, or is not what was stored."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reading, lambda: call(self._db))
        except UNREADABLE as failure:
            raise Damaged from failure
        except sqlite3.DatabaseError as failure:
            if is_damage(failure):
                self.writer.trouble.note(DAMAGE)
            elif not is_no_text(failure):
                raise
            raise Damaged from failure


def _for_writing(
    file: Path, limits: Limits, lock_seconds: float | None = None
) -> sqlite3.Connection:
    """Return the connection whose commits are on the disk when they return."""
    db = connect(file, "rwc", lock_seconds)
    try:
        db.execute("PRAGMA journal_mode = WAL")  # of a copy whose first start could not write it
        db.execute("PRAGMA synchronous = FULL")
        # Debian's SQLite would write zeros over each state that a run keeps no more, of megabytes.
        db.execute("PRAGMA secure_delete = FAST")
        page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {max(limits.disk_bytes // page_bytes, 1)}")
    except BaseException:
        db.close()
        raise
    return db


def _is_large(saved: Saved | None, text: str = "") -> bool:
    """Tell whether it takes so long to write that others should not have to wait for it."""
    states = saved.checkpoints if saved else ()
    return len(text) + sum(kept.state.nbytes for kept in states) > _LARGE_BYTES


def _now() -> int:
    return int(time.time())


def _look() -> Look:
    return Look(_now(), _steady())


def _steady() -> float:
    return time.monotonic()
