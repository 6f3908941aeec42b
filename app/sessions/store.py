"""The store: sessions in one SQLite file. One writer, and a thread that only reads."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from app.json_text import read_json
from app.limits import Limits
from app.sessions.expiry import DAY, Idle, Look, expired, leap_along, newest_use
from app.sessions.room import check_new_run, has_checkpoints_room
from app.sessions.schema import FILE, connect, connect_to_read, prepare
from app.sessions.writer import DAMAGE, Refusing, Writer, is_damage
from app.timeline.checkpoints import Checkpoint, bytes_of, state_of
from app.timeline.saved import Saved

T = TypeVar("T")
KEPT_CHANGES = 1_000


# What a damaged row makes of reading it: of its JSON, its blobs, or numbers that do not fit.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, struct.error)


class Damaged(Exception):
    """What the store has of a session cannot be read."""

    def __init__(self) -> None:
        super().__init__(
            "this run is damaged: what is stored of it cannot be read; a backup may bring it back"
        )


@dataclass(frozen=True)
class Place:
    """What every command may change: the cursor, and how many edits and changes there were.

    `furthest` is the furthest step that anybody may have seen, `machine` what computed it.
    """

    step: int
    phase: int
    revision: int
    changes: int
    furthest: int
    machine: str


@dataclass(frozen=True)
class Stored:
    """A session as it lies in the store; `text` is the spec's JSON, where it is at hand."""

    id: str
    read_id: str
    place: Place
    spec: dict[str, Any]
    edits: list[dict[str, Any]]
    undo_stack: list[dict[str, Any]]
    saved: Saved | None = None
    used_at: int = field(default=0, compare=False)  # seconds since 1970
    text: str = field(default="", compare=False)


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
        file = folder / FILE
        read_only = prepare(file)
        self._limits = limits
        self._reading = ThreadPoolExecutor(1, "read")
        self.writer: Writer | Refusing
        if read_only:
            self.writer = Refusing(read_only)
        else:
            self.writer = Writer(_for_writing(file, limits), on_commit)
        self._db = connect_to_read(file) if read_only else connect(file, "ro")
        now = _look()
        newest = newest_use(self._db)
        self._looked = now if newest is None else Look(newest, now.steady)

    async def close(self) -> None:
        """Write what waits, and end. The writer goes last: SQLite then folds its log away."""
        await asyncio.to_thread(self._reading.shutdown)
        self._db.close()
        await asyncio.to_thread(self.writer.close)

    async def insert(self, stored: Stored) -> None:
        """Write a new session; NotStored also where the rest of the disk is for those there."""

        def write(db: sqlite3.Connection) -> None:
            check_new_run(db, self._limits.disk_bytes)
            row = (stored.id, stored.read_id, *astuple(stored.place), _now())
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            spec = stored.text or _text(stored.spec)
            db.execute("INSERT INTO run VALUES (?, ?)", (stored.id, spec))
            _write_edits(db, stored.id, stored.edits, stored.undo_stack)
            if stored.saved:
                _write_saved(db, stored.id, stored.saved)

        await self.writer.put(write)

    async def move(self, session_id: str, place: Place, body: dict[str, Any] | None) -> None:
        """Write the place and, in the same transaction, the change that led there."""
        await self.writer.put(lambda db: _write_change(db, session_id, place, body))

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
            _write_change(db, session_id, place, body)
            _write_edits(db, session_id, edits, undo_stack)
            _write_saved(db, session_id, saved)

        await self.writer.put(write)

    async def save(self, session_id: str, place: Place, saved: Saved) -> bool:
        """Keep the place and the checkpoints that spare a restart the computing.

        Return whether there was room for those.
        """
        kept = False

        def write(db: sqlite3.Connection) -> None:
            nonlocal kept
            _write_change(db, session_id, place, None)
            kept = has_checkpoints_room(db, self._limits.disk_bytes)
            if kept:
                _write_saved(db, session_id, saved)

        await self.writer.put(write)
        return kept

    async def note_seen(self, session_id: str, furthest: int, machine: str) -> None:
        """Write that steps up to this one may have been seen, and what computed them."""
        query = (
            "UPDATE session SET furthest = MAX(furthest, ?), machine = ?, used_at = ? WHERE id = ?"
        )
        row = (furthest, machine, _now(), session_id)
        await self.writer.put(lambda db: db.execute(query, row))

    async def note_use(self, session_id: str) -> None:
        """Write that somebody has a session open now."""
        query = "UPDATE session SET used_at = ? WHERE id = ?"
        await self.writer.put(lambda db: db.execute(query, (_now(), session_id)))

    def now(self) -> int:
        """Return the time as the store has it: seconds since 1970."""
        return _now()

    async def load(self, key: str) -> Stored | None:
        """Return the session of a writing or a reading key; Damaged where it cannot be read."""
        return await self._read(lambda db: _load(db, key))

    async def exists(self, key: str) -> bool:
        """Tell whether a writing or a reading key opens a session, without reading it."""
        query = "SELECT 1 FROM session WHERE id = ? OR read_id = ?"
        return bool(await self._read(lambda db: db.execute(query, (key, key)).fetchall()))

    async def body_of(self, session_id: str, command_id: str) -> dict[str, Any] | None:
        """Return what became of a command, or None if it is not known (any more)."""
        query = "SELECT body FROM change WHERE session_id = ? AND command_id = ?"
        found = await self._read(lambda db: _bodies(db, query, (session_id, command_id)))
        return found[0] if found else None

    async def commands(self, session_id: str) -> list[str]:
        """Return the ids of the commands that are kept, the oldest first."""
        query = (
            "SELECT command_id FROM change WHERE session_id = ? AND command_id IS NOT NULL"
            " ORDER BY number"
        )
        rows = await self._read(lambda db: db.execute(query, (session_id,)).fetchall())
        return [row[0] for row in rows]

    async def bodies_since(self, session_id: str, number: int) -> list[dict[str, Any]]:
        """Return the changes behind the one of this number, those that are kept, in order."""
        query = "SELECT body FROM change WHERE session_id = ? AND number > ? ORDER BY number"
        return await self._read(lambda db: _bodies(db, query, (session_id, number)))

    async def follow_clock(self) -> int:
        """Where the clock leapt, let the times of last use leap with it; return the seconds.

        What lies behind the newest use of all when the store is opened is such a leap too.
        """
        now = _look()
        leap = self._looked.leap_to(now)
        if leap:
            await self.writer.put(lambda db: leap_along(db, leap, now.clock))
        self._looked = now
        return leap

    async def expired(self, in_use: set[str]) -> list[Idle]:
        """Return who may go: those not used for long."""
        before = _now() - self._limits.idle_days * DAY
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
            return await loop.run_in_executor(self._reading, call, self._db)
        except UNREADABLE as failure:
            raise Damaged from failure
        except sqlite3.DatabaseError as failure:
            if not is_damage(failure):
                raise
            self.writer.problem = DAMAGE
            raise Damaged from failure


def _for_writing(file: Path, limits: Limits) -> sqlite3.Connection:
    """Return the connection whose commits are on the disk when they return."""
    db = connect(file, "rwc")
    db.execute("PRAGMA synchronous = FULL")
    page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {max(limits.disk_bytes // page_bytes, 1)}")
    return db


def _write_change(
    db: sqlite3.Connection, session_id: str, place: Place, body: dict[str, Any] | None
) -> None:
    db.execute(
        "UPDATE session SET step = ?, phase = ?, revision = ?, changes = ?, furthest = ?,"
        " machine = ?, used_at = ? WHERE id = ?",
        (*astuple(place), _now(), session_id),
    )
    if body is None:
        return
    row = (session_id, place.changes, body["id"], _text(body))
    db.execute("INSERT INTO change VALUES (?, ?, ?, ?)", row)
    too_old = (session_id, place.changes - KEPT_CHANGES)
    db.execute("DELETE FROM change WHERE session_id = ? AND number <= ?", too_old)


def _write_edits(db: sqlite3.Connection, session_id: str, edits: Any, undo_stack: Any) -> None:
    row = (session_id, _text(edits), _text(undo_stack))
    db.execute("INSERT OR REPLACE INTO edits VALUES (?, ?, ?)", row)


def _write_saved(db: sqlite3.Connection, session_id: str, saved: Saved) -> None:
    lists = (_text(saved.recorders), _text(saved.pinned))
    row = (session_id, saved.interval, *lists, saved.history)
    db.execute("INSERT OR REPLACE INTO saved VALUES (?, ?, ?, ?, ?)", row)
    query = "SELECT step FROM checkpoint WHERE session_id = ?"
    there = {row[0] for row in db.execute(query, (session_id,))}
    db.executemany(
        "DELETE FROM checkpoint WHERE session_id = ? AND step = ?",
        [(session_id, step) for step in there - saved.steps],
    )
    db.executemany(
        "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?, ?)",
        [(session_id, k.step, k.machine, *k.sums, bytes_of(k.state)) for k in saved.checkpoints],
    )


def _bodies(
    db: sqlite3.Connection, query: str, parameters: tuple[Any, ...]
) -> list[dict[str, Any]]:
    """Return what became of some commands; ValueError where that is not what was stored."""
    found = [json.loads(row[0]) for row in db.execute(query, parameters)]
    for body in found:
        if not isinstance(body["offset"], int):
            raise ValueError("expected the number of a change")
    return found


def _load(db: sqlite3.Connection, key: str) -> Stored | None:
    query = (
        "SELECT id, read_id, step, phase, revision, changes, furthest, machine,"
        " used_at, spec, edits, undo_stack FROM session"
        " JOIN run ON run.session_id = id JOIN edits ON edits.session_id = id"
        " WHERE id = ? OR read_id = ?"
    )
    row = db.execute(query, (key, key)).fetchone()
    if row is None:
        return None
    spec = read_json(row[9], "spec")
    edits, undo_stack = map(json.loads, row[10:])
    saved = _load_saved(db, row[0], spec["precision"])
    place, used_at = Place(*row[2:8]), row[8] if isinstance(row[8], int) else 0
    if not all(isinstance(count, int) and count >= 0 for count in row[2:7]):
        raise ValueError(f"expected counts from 0, got {place}")
    return Stored(row[0], row[1], place, spec, edits, undo_stack, saved, used_at, row[9])


def _load_saved(db: sqlite3.Connection, session_id: str, precision: str) -> Saved | None:
    query = "SELECT interval, recorders, pinned, history FROM saved WHERE session_id = ?"
    row = db.execute(query, (session_id,)).fetchone()
    if row is None:
        return None
    query = "SELECT step, state, loss_sum, row_sum, machine FROM checkpoint WHERE session_id = ?"
    checkpoints = tuple(
        Checkpoint(step, state_of(state, precision), (loss_sum, row_sum), machine)
        for step, state, loss_sum, row_sum, machine in db.execute(query, (session_id,))
    )
    steps = frozenset(kept.step for kept in checkpoints)
    interval, recorders, pinned, history = row
    return Saved(interval, json.loads(recorders), json.loads(pinned), history, checkpoints, steps)


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _now() -> int:
    return int(time.time())


def _look() -> Look:
    return Look(_now(), _steady())


def _steady() -> float:
    return time.monotonic()
