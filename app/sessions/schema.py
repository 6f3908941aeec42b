"""The store's file: how it is opened, brought up to date and checked."""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

FILE = "retrace.sqlite3"
# SQLite's journal (which it has until there is a log), its log, its index, the store itself
SUFFIXES = ("-journal", "-wal", "-shm", "")
LOCK_SECONDS = 10.0  # that a start waits for another program that holds the store
KEY_BYTES = 16  # of a key to a session: 128 random bits
# Cursor and command live in small rows of their own: SQLite writes a row anew as a whole, and a
# spec may take megabytes.
_VERSION_2 = """
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    read_id TEXT NOT NULL UNIQUE,
    step INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    furthest INTEGER NOT NULL,
    machine TEXT NOT NULL,
    used_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_used ON session (used_at);
CREATE TABLE run (
    session_id TEXT PRIMARY KEY REFERENCES session(id) ON DELETE CASCADE,
    spec TEXT NOT NULL
);
CREATE TABLE edits (
    session_id TEXT PRIMARY KEY REFERENCES session(id) ON DELETE CASCADE,
    edits TEXT NOT NULL,
    undo_stack TEXT NOT NULL
);
CREATE TABLE change (
    session_id TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    command_id TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (session_id, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX change_command ON change (session_id, command_id)
    WHERE command_id IS NOT NULL;
CREATE TABLE saved (
    session_id TEXT PRIMARY KEY REFERENCES session(id) ON DELETE CASCADE,
    interval INTEGER NOT NULL,
    recorders TEXT NOT NULL,
    pinned TEXT NOT NULL,
    history BLOB NOT NULL
);
CREATE TABLE checkpoint (
    session_id TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    machine TEXT NOT NULL,
    loss_sum REAL NOT NULL,
    row_sum REAL NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (session_id, step)
);
"""
_VERSION_3 = """
CREATE TABLE clock (
    looked_at INTEGER NOT NULL
);
"""


class BadStore(Exception):
    """The store cannot be used; the message says what to do."""


def connect(file: Path, mode: str, lock_seconds: float | None = None) -> sqlite3.Connection:
    """Open the store: `rwc` to write, `ro` to read, `ro&immutable=1` without its log."""
    db = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}",
        uri=True,
        check_same_thread=False,
        isolation_level=None,
        timeout=LOCK_SECONDS if lock_seconds is None else lock_seconds,
    )
    db.execute("PRAGMA foreign_keys = ON")
    return db


def connect_to_read(file: Path) -> sqlite3.Connection:
    """Open a store that cannot be written; BadStore where it may not be read or its log cannot be
    read with it, or another program lets nobody read.
    """
    try:
        return connect_with_log(file, "ro")
    except sqlite3.OperationalError:
        return connect_without_log(file)


def connect_with_log(
    file: Path, mode: str, lock_seconds: float | None = None
) -> sqlite3.Connection:
    """Open a store with its log, or raise OperationalError; BadStore where another program lets
    nobody read.
    """
    db = connect(file, mode, lock_seconds)
    try:
        db.execute("SELECT COUNT(*) FROM sqlite_master")  # SQLite opens the log only now
    except sqlite3.Error as error:
        db.close()
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):  # it may be writing this very moment
            raise BadStore(f"{file} is held by another program; end that one first") from None
        raise
    return db


def connect_without_log(file: Path) -> sqlite3.Connection:
    """Open a store past its locks; BadStore where it may not be read, or where its log holds
    what is not in its file yet.
    """
    if not os.access(file, os.R_OK):  # to open it and close it would free the locks of SQLite
        whose = "the user that Retrace runs as (permission denied)"
        raise BadStore(f"{file} may not be read by {whose}: give it another owner or mode")
    log = log_of(file.resolve())  # where SQLite has it, too
    if log.exists() and log.stat().st_size:
        lack = "cannot be read while nothing can be written beside it"
        raise BadStore(f"{log} {lack}: make room, or make it writable, once")
    return connect(file, "ro&immutable=1")


def log_of(file: Path) -> Path:
    """Return where SQLite keeps what is committed and not in the store's file yet."""
    return file.with_name(f"{file.name}-wal")


def partial_of(file: Path) -> Path:
    """Return where a copy lies until it is whole and takes the place of `file`."""
    return file.with_name(f"{file.name}.partial")


def prepare(file: Path) -> OSError | sqlite3.OperationalError | None:
    """Make the store or bring it up to date, and check that it is whole; BadStore if it is not.

    Return what kept it from being written, where it can only be read now.
    """
    _refuse_remains(file)
    try:
        if not file.exists():
            _make(file)
        _prepare(file)
    except (OSError, sqlite3.OperationalError) as error:
        if not file.exists():
            raise BadStore(f"no store can be made at {file}: {error}") from None
        _check_to_read(file, error)
        return error
    return None


def _make(file: Path) -> None:
    """Make the store beside its place and move it there whole: a first start that is cut off
    leaves nothing that the next one takes for a loss. It is for its owner's eyes only, for it
    holds keys; SQLite gives its log the same mode.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    _remove(new)
    try:
        new.touch(0o600, exist_ok=False)
        _prepare(new)  # closed, it is one file, without a log
        new.rename(file)
    finally:
        _remove(new)
    settle(file.parent)


def _remove(store: Path) -> None:
    for suffix in SUFFIXES:
        store.with_name(f"{store.name}{suffix}").unlink(missing_ok=True)


def settle(folder: Path) -> None:
    """Have the names in a folder survive a failure of power, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _refuse_remains(file: Path) -> None:
    """Raise BadStore where a store has been and its sessions are gone: a new one would hide it."""
    log = log_of(file)
    if file.exists() and file.stat().st_size == 0:
        raise BadStore(f"{file} is empty. Restore a backup, or move the file away.")
    for left in (log, partial_of(file)):
        if left.exists() and not file.exists():
            raise BadStore(f"{left} is without its store. Restore a backup, or move the file away.")


def _prepare(file: Path) -> None:
    with closing(connect(file, "rwc")) as db:
        _check(db, file)
        db.execute("PRAGMA journal_mode = WAL")
        migrate(db, file)
        _check_tables(db, file)
        db.execute(f"PRAGMA user_version = {VERSION}")  # fails where the store can only be read


def _check_to_read(file: Path, failure: Exception) -> None:
    """Raise BadStore unless a store that cannot be written, for that failure, can be read."""
    with closing(connect_to_read(file)) as db:
        _check(db, file)
        if _version(db, file) != VERSION:
            lack = "has to be brought up to date, but it cannot be written"
            raise BadStore(f"{file} {lack}: {failure}")
        _check_tables(db, file)


def _check(db: sqlite3.Connection, file: Path) -> None:
    try:
        found = [row[0] for row in db.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError:
        raise  # it cannot be opened, which says nothing of what is in it
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        raise _damaged(file, "; ".join(found))


def _check_tables(db: sqlite3.Connection, file: Path) -> None:
    missing = missing_tables(db)
    if missing:
        raise _damaged(file, f"without the tables {', '.join(missing)}")


def missing_tables(db: sqlite3.Connection) -> list[str]:
    """Return which tables of the newest version a store has not."""
    there = _tables(db)
    needed = re.findall(r"CREATE TABLE (\w+)", _VERSION_2 + _VERSION_3)
    return [name for name in needed if name not in there]


def _tables(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _damaged(file: Path, wrong: str) -> BadStore:
    return BadStore(f"{file} is damaged ({wrong}). Restore a backup, or move the file away.")


def _version(db: sqlite3.Connection, file: Path) -> int:
    """Return the store's version, 0 where it is new; BadStore for one that is not known here."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise BadStore(
            f"{file} has version {version}, from a newer Retrace; this one knows {VERSION}"
        )
    if version < 0 or (version == 0 and _tables(db)):
        raise _damaged(file, f"a version from 1 to {VERSION} was expected, not {version}")
    return version


def migrate(db: sqlite3.Connection, file: Path) -> None:
    """Do what is missing, each version in one transaction: all of it, or nothing.

    BadStore where the version is none that this Retrace knows.
    """
    for number in range(_version(db, file) + 1, VERSION + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            _MIGRATIONS[number](db)
            db.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _script(db: sqlite3.Connection, script: str) -> None:
    """Run each statement; sqlite3's own executescript would end the transaction."""
    for statement in script.split(";"):
        if statement.strip():
            db.execute(statement)


_VERSION_1 = """
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


def _first(db: sqlite3.Connection) -> None:
    _script(db, _VERSION_1)


def _second(db: sqlite3.Connection) -> None:
    """Split the one table; keep every run, cursor, edit and reply. Checkpoints are made anew."""
    db.execute("ALTER TABLE session RENAME TO old_session")
    _script(db, _VERSION_2)
    now = int(time.time())
    for identity, spec, edits, undo, *place in db.execute(
        "SELECT id, spec, edits, undo_stack, step, phase, revision FROM old_session"
    ).fetchall():
        replies = db.execute(
            "SELECT command_id, reply FROM reply WHERE session_id = ? ORDER BY number", (identity,)
        ).fetchall()
        read_id = secrets.token_urlsafe(KEY_BYTES)
        shown = max(place[0], *(json.loads(reply)["cursor"]["step"] for _, reply in replies), 0)
        row = (identity, read_id, *place, len(replies), shown, "", now)
        db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("INSERT INTO run VALUES (?, ?)", (identity, spec))
        db.execute("INSERT INTO edits VALUES (?, ?, ?)", (identity, edits, undo))
        for number, (command, reply) in enumerate(replies, start=1):
            body = json.dumps({**json.loads(reply), "offset": number})
            db.execute("INSERT INTO change VALUES (?, ?, ?, ?)", (identity, number, command, body))
    db.execute("DROP TABLE reply")
    db.execute("DROP TABLE old_session")


def _third(db: sqlite3.Connection) -> None:
    """Make room for when a server last looked at the clock; none has yet."""
    _script(db, _VERSION_3)


_MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _first, 2: _second, 3: _third}
VERSION = max(_MIGRATIONS)
