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
from app.sessions.schema import FILE, connect, connect_to_read, prepare
from app.sessions.writer import Refusing, Writer
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
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Idle:
    """A session that may be deleted, and when it was used last: seconds since 1970."""

    id: str
    used_at: int


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

    async def close(self) -> None:
        """Write what waits, and end. The writer goes last: SQLite then folds its log away."""
        await asyncio.to_thread(self._reading.shutdown)
        self._db.close()
        await asyncio.to_thread(self.writer.close)

    async def insert(self, stored: Stored) -> None:
        """Write a new session."""

        def write(db: sqlite3.Connection) -> None:
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

    async def save(self, session_id: str, place: Place, saved: Saved) -> None:
        """Keep the place and the checkpoints that spare a restart the computing."""

        def write(db: sqlite3.Connection) -> None:
            _write_change(db, session_id, place, None)
            _write_saved(db, session_id, saved)

        await self.writer.put(write)

    async def load(self, key: str) -> Stored | None:
        """Return the session of a writing or a reading key; Damaged where it cannot be read."""
        try:
            return await self._read(lambda db: _load(db, key))
        except UNREADABLE as failure:
            raise Damaged from failure

    async def exists(self, key: str) -> bool:
        """Tell whether a writing or a reading key opens a session, without reading it."""
        query = "SELECT 1 FROM session WHERE id = ? OR read_id = ?"
        return bool(await self._read(lambda db: db.execute(query, (key, key)).fetchall()))

    async def body_of(self, session_id: str, command_id: str) -> dict[str, Any] | None:
        """Return what became of a command, or None if it is not known (any more)."""
        query = "SELECT body FROM change WHERE session_id = ? AND command_id = ?"
        rows = await self._read(lambda db: db.execute(query, (session_id, command_id)).fetchall())
        return json.loads(rows[0][0]) if rows else None

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
        rows = await self._read(lambda db: db.execute(query, (session_id, number)).fetchall())
        return [json.loads(row[0]) for row in rows]

    async def expired(self, in_use: set[str]) -> list[Idle]:
        """Return who may go: those not used for long, and the longest idle ones over the quota."""
        return await self._read(lambda db: _expired(db, self._limits, in_use))

    async def delete(self, idle: Idle) -> None:
        """Delete a session, unless it was used since."""

        def write(db: sqlite3.Connection) -> None:
            query = "DELETE FROM session WHERE id = ? AND used_at = ?"
            db.execute(query, (idle.id, idle.used_at))

        await self.writer.put(write)

    async def _read(self, call: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reading, call, self._db)


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


def _load(db: sqlite3.Connection, key: str) -> Stored | None:
    query = (
        "SELECT id, read_id, step, phase, revision, changes, furthest, machine,"
        " spec, edits, undo_stack FROM session"
        " JOIN run ON run.session_id = id JOIN edits ON edits.session_id = id"
        " WHERE id = ? OR read_id = ?"
    )
    row = db.execute(query, (key, key)).fetchone()
    if row is None:
        return None
    spec = read_json(row[8], "spec")
    edits, undo_stack = map(json.loads, row[9:])
    saved = _load_saved(db, row[0], spec["precision"])
    return Stored(row[0], row[1], Place(*row[2:8]), spec, edits, undo_stack, saved, row[8])


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


def _expired(db: sqlite3.Connection, limits: Limits, in_use: set[str]) -> list[Idle]:
    """Return the sessions to delete: those idle too long, and a tenth where the store is full."""
    old = _now() - limits.idle_days * 86_400
    rows = db.execute("SELECT id, used_at FROM session ORDER BY used_at").fetchall()
    idle = [Idle(*row) for row in rows if row[0] not in in_use]
    expired = [one for one in idle if one.used_at < old]
    if _used_bytes(db) > 0.9 * limits.disk_bytes:
        return idle[: max(len(expired), -(-len(rows) // 10))]
    return expired


def _used_bytes(db: sqlite3.Connection) -> int:
    count, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((count - free) * size)


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _now() -> int:
    return int(time.time())
