"""The store: sessions in one SQLite file. Every public call is one transaction.

Only one thread may use it; `Sessions` gives it one of its own.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
KEPT_REPLIES = 1_000
_SCHEMA = """
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    spec TEXT NOT NULL,
    edits TEXT NOT NULL,
    undo_stack TEXT NOT NULL,
    step INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    saved BLOB
) WITHOUT ROWID;
CREATE TABLE reply (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
    command_id TEXT NOT NULL,
    reply TEXT NOT NULL,
    UNIQUE (session_id, command_id)
);
CREATE INDEX reply_order ON reply (session_id, number);
"""


@dataclass(frozen=True)
class Stored:
    """A session as it lies in the store."""

    id: str
    spec: dict[str, Any]
    edits: list[dict[str, Any]]
    undo_stack: list[dict[str, Any]]
    step: int
    phase: int
    revision: int
    saved: bytes | None = None


class Store:
    """Opens `folder`/retrace.sqlite3, making both where they are missing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "retrace.sqlite3", check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._migrate()

    def close(self) -> None:
        self._db.close()

    def insert(self, stored: Stored) -> None:
        with self._db:
            self._db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (stored.id, _text(stored.spec), *_changing(stored), stored.saved),
            )

    def update(self, stored: Stored, command_id: str | None = None, reply: Any = None) -> None:
        """Write what a command changed and, in the same transaction, its reply."""
        with self._db:
            self._db.execute(
                "UPDATE session SET edits = ?, undo_stack = ?, step = ?, phase = ?, revision = ?"
                " WHERE id = ?",
                (*_changing(stored), stored.id),
            )
            if command_id is not None:
                self._keep_reply(stored.id, command_id, reply)

    def save(self, session_id: str, saved: bytes) -> None:
        """Keep the checkpoints that spare a restart the computing."""
        with self._db:
            self._db.execute("UPDATE session SET saved = ? WHERE id = ?", (saved, session_id))

    def load(self, session_id: str) -> Stored | None:
        row = self._db.execute("SELECT * FROM session WHERE id = ?", (session_id,)).fetchone()
        if row is None:
            return None
        identity, spec, edits, undo_stack, *rest = row
        return Stored(identity, *map(json.loads, (spec, edits, undo_stack)), *rest)

    def reply(self, session_id: str, command_id: str) -> Any:
        """Return the reply that was given to a command, or None."""
        row = self._db.execute(
            "SELECT reply FROM reply WHERE session_id = ? AND command_id = ?",
            (session_id, command_id),
        ).fetchone()
        return json.loads(row[0]) if row else None

    def _keep_reply(self, session_id: str, command_id: str, reply: Any) -> None:
        self._db.execute(
            "INSERT INTO reply (session_id, command_id, reply) VALUES (?, ?, ?)",
            (session_id, command_id, _text(reply)),
        )
        self._db.execute(
            "DELETE FROM reply WHERE session_id = ? AND number <= (SELECT number FROM reply"
            " WHERE session_id = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (session_id, session_id, KEPT_REPLIES),
        )

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise RuntimeError(f"the store has version {version}, newer than {SCHEMA_VERSION}")
        if version == 0:
            with self._db:
                self._db.executescript(_SCHEMA)
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _changing(stored: Stored) -> tuple[str, str, int, int, int]:
    edits, undo_stack = _text(stored.edits), _text(stored.undo_stack)
    return edits, undo_stack, stored.step, stored.phase, stored.revision
