"""What is stored of a session, and the rows of the tables that hold it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import astuple, dataclass, field
from typing import Any

from app.json_text import read_json
from app.timeline.checkpoints import Checkpoint, bytes_of, state_of
from app.timeline.recorders import ANEW
from app.timeline.saved import Saved

KEPT_CHANGES = 1_000


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


# Where another machine may have shown steps, it stays open who did: `saved` has who computed what.
# A move is one statement: a second one would cost a tenth of the replies that a core can give.
_MOVE = (
    "UPDATE session SET step = ?, phase = ?, revision = ?, changes = ?,"
    " furthest = MAX(furthest, ?), machine = CASE machine WHEN ? THEN machine ELSE ? END,"
    " used_at = ? WHERE id = ?"
)
_SHOW = (
    "UPDATE session SET"
    " furthest = MAX(furthest, ?), machine = CASE machine WHEN ? THEN machine ELSE ? END,"
    " used_at = ? WHERE id = ?"
)


def write_session(db: sqlite3.Connection, stored: Stored, now: int) -> None:
    """Write a new session, first used at `now`."""
    row = (stored.id, stored.read_id, *astuple(stored.place), now)
    db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    spec = stored.text or _text(stored.spec)
    db.execute("INSERT INTO run VALUES (?, ?)", (stored.id, spec))
    write_edits(db, stored.id, stored.edits, stored.undo_stack)
    if stored.saved:
        write_saved(db, stored.id, stored.saved)


def write_change(
    db: sqlite3.Connection, session_id: str, place: Place, body: dict[str, Any] | None, now: int
) -> None:
    """Write where a session stands and, if there is one, the change that led there."""
    db.execute(_MOVE, (*astuple(place), ANEW, now, session_id))
    if body is None:
        return
    row = (session_id, place.changes, body["id"], _text(body))
    db.execute("INSERT INTO change VALUES (?, ?, ?, ?)", row)
    too_old = place.changes - KEPT_CHANGES
    if too_old > 0:
        query = "DELETE FROM change WHERE session_id = ? AND number <= ?"
        db.execute(query, (session_id, too_old))


def write_shown(
    db: sqlite3.Connection, session_id: str, furthest: int, machine: str, now: int
) -> None:
    """Write that `machine` may have shown steps up to `furthest`."""
    db.execute(_SHOW, (furthest, machine, ANEW, now, session_id))


def write_furthest(db: sqlite3.Connection, session_id: str, furthest: int) -> None:
    """Write the furthest step shown where it may be less than was written before."""
    db.execute("UPDATE session SET furthest = ? WHERE id = ?", (furthest, session_id))


def write_edits(db: sqlite3.Connection, session_id: str, edits: Any, undo_stack: Any) -> None:
    row = (session_id, _text(edits), _text(undo_stack))
    db.execute("INSERT OR REPLACE INTO edits VALUES (?, ?, ?)", row)


def write_saved(db: sqlite3.Connection, session_id: str, saved: Saved) -> None:
    """Write who computed what, and the new checkpoints; take away those that are kept no more."""
    query = "UPDATE session SET machine = ? WHERE id = ?"
    db.execute(query, (saved.recorders[-1][1], session_id))
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


def bodies(db: sqlite3.Connection, query: str, parameters: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Return what became of some commands; ValueError where that is not what was stored."""
    with reading(db, query, parameters) as rows:
        found = [json.loads(row[0]) for row in rows]
    for body in found:
        if not isinstance(body["offset"], int):
            raise ValueError("expected the number of a change")
    return found


def reading(
    db: sqlite3.Connection, query: str, parameters: tuple[Any, ...]
) -> closing[sqlite3.Cursor]:
    """Read row by row, and be done with that at the end, however it comes.

    What cannot be decoded would else leave the query open for as long as the failure is at hand,
    and meanwhile the connection sees the store as it was then: all runs, and not only this one.
    """
    return closing(db.execute(query, parameters))


def load(db: sqlite3.Connection, key: str) -> Stored | None:
    """Return the session of a writing or a reading key, all of it as it was at one moment."""
    db.execute("BEGIN")
    try:
        return _load(db, key)
    finally:
        db.rollback()


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
    with reading(db, query, (session_id,)) as rows:
        checkpoints = tuple(
            Checkpoint(step, state_of(state, precision), (loss_sum, row_sum), machine)
            for step, state, loss_sum, row_sum, machine in rows
        )
    steps = frozenset(kept.step for kept in checkpoints)
    interval, recorders, pinned, history = row
    return Saved(interval, json.loads(recorders), json.loads(pinned), history, checkpoints, steps)


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
