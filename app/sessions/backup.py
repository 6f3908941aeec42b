"""Backup and restore of the store, which is one SQLite file: a copy is checked before it counts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from app.sessions.lock import held
from app.sessions.rows import KEPT_CHANGES
from app.sessions.schema import FILE as STORE_FILE
from app.sessions.schema import (
    SUFFIXES,
    BadStore,
    connect_with_log,
    connect_without_log,
    log_of,
    migrate,
    missing_tables,
    partial_of,
    settle,
)
from app.sessions.schema import VERSION as SCHEMA_VERSION

_WAIT_SECONDS = 30.0  # for a store that another process holds for a moment


class Unusable(RuntimeError):
    """A backup cannot be made of this, or restored from it; the text says why."""


def backup(folder: Path, target: Path) -> int:
    """Copy the store in `folder` to `target`, also while a server writes; return its bytes.

    The copy is the store as it was at one moment. Unusable where there is no store, where `target`
    exists already, or where the copy is not whole.
    """
    store = folder / STORE_FILE
    if not store.is_file():
        raise Unusable(f"there is no store at {store}")
    with _partial(target) as partial:
        if target.exists():
            raise Unusable(f"{target} exists; nothing is overwritten")
        _copy(store, "rw", partial)  # read-only SQLite would leave an empty log behind
        os.rename(partial, target)
    settle(target.parent)
    return target.stat().st_size


def restore(folder: Path, source: Path, now: datetime) -> Path | None:
    """Put the backup `source` in the place of the store in `folder`.

    Its sessions go on counting their changes from `now` in milliseconds since 1970. Returns where
    the old store lies now, named after `now`, or None if there was none. Unusable
    where `source` is no backup that this version reads; lock.InUse while a server runs.
    """
    check(source)
    store = folder / STORE_FILE
    if source.resolve() == partial_of(store).resolve():
        raise Unusable(f"{source} is what a restore writes; copy it to another place first")
    with held(folder):
        return _put_in_place(store, source, now)


def _put_in_place(store: Path, source: Path, now: datetime) -> Path | None:
    aside = store.with_name(f"{store.name}.before-{now:%Y%m%dT%H%M%S}")
    if aside.exists():
        raise Unusable(f"{aside} exists; try again in a second")
    broken_off = partial_of(store).exists()  # of a restore: it may stand for a store that is aside
    with _partial(store, broken_off) as partial:
        _copy(source, "ro", partial)
        try:
            _take_over(partial, int(now.timestamp() * 1000))
        except (Unusable, sqlite3.Error, ValueError, TypeError, LookupError) as failure:
            # The latter of what an older version wrote, where that is damaged.
            raise Unusable(f"{source} cannot be restored: {failure}") from failure
    was_there = store.exists() or log_of(store).exists()
    _exchange(store, partial, aside)
    return aside if was_there else None


def _exchange(store: Path, partial: Path, aside: Path) -> None:
    """Move the old store aside and the new one in its place; where that fails, move the old back.

    Where none of them is there `partial` stays: without it a start would make an empty store.
    """
    try:
        _move(store, aside, SUFFIXES[::-1])
        settle(store.parent)
        os.rename(partial, store)
    except BaseException:
        if partial.exists():
            _move(aside, store, SUFFIXES)
            settle(store.parent)
            if store.exists():
                partial.unlink()
        raise
    settle(store.parent)


def check(path: Path) -> None:
    """Raise Unusable unless `path` is a whole store of a version that this Retrace reads."""
    if not path.is_file():
        raise Unusable(f"there is no file {path}")
    try:
        with _opened(path, "ro") as db:
            found = [row[0] for row in db.execute("PRAGMA integrity_check")]
            version = db.execute("PRAGMA user_version").fetchone()[0]
    except BadStore as failure:
        raise Unusable(str(failure)) from failure
    except sqlite3.Error as failure:
        raise Unusable(f"{path} cannot be read: {failure}") from failure
    if found != ["ok"]:
        raise Unusable(f"{path} is damaged: {found[0]}")
    if not 1 <= version <= SCHEMA_VERSION:
        expected = f"a store of version 1 to {SCHEMA_VERSION}"
        raise Unusable(f"{path}: expected {expected}, got version {version}")


@contextmanager
def _partial(target: Path, is_there: bool = False) -> Iterator[Path]:
    """Make the file that shall become `target`, for its owner's eyes only: it holds keys.

    Where that fails it is taken away, unless it was there before.
    """
    partial = partial_of(target)
    how = os.O_TRUNC if is_there else os.O_EXCL
    try:
        os.close(os.open(partial, os.O_CREAT | how | os.O_RDWR, 0o600))
    except FileExistsError:
        raise Unusable(f"{partial} exists: another copy is made, or was broken off") from None
    try:
        yield partial
    except BaseException:
        if not is_there:
            partial.unlink(missing_ok=True)
        raise


def _copy(source: Path, mode: str, target: Path) -> None:
    """Copy a store whole: all pages in one step, in one transaction that no writer waits for.

    In several steps the copy would begin anew with each write of another process.
    """
    try:
        with _opened(source, mode) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    except BadStore as failure:
        raise Unusable(str(failure)) from failure
    except sqlite3.Error as failure:
        raise Unusable(f"{source} cannot be copied: {failure}") from failure
    check(target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _take_over(store: Path, least: int) -> None:
    """Bring a copy up to date, and have it go on counting; Unusable where tables are missing."""
    with closing(sqlite3.connect(store, isolation_level=None)) as db:
        migrate(db, store)
        missing = missing_tables(db)
        if missing:
            raise Unusable(f"it is without the tables {', '.join(missing)}")
        _count_from(db, least)


def _count_from(db: sqlite3.Connection, least: int) -> None:
    """Let every session have counted `least` changes, or more where it had counted further.

    No run comes that far by itself, so a number that somebody saw in the history that ended here
    is none of the one that begins, and whoever asks what came since is told the whole state. The
    changes that are kept move along: they are forgotten by their numbers.
    """
    new = {"least": least, "kept": KEPT_CHANGES}
    db.execute("BEGIN")
    db.execute(
        "UPDATE change SET number = number + (SELECT MAX(:least, changes + :kept) - changes"
        " FROM session WHERE id = session_id)",
        new,
    )
    db.execute("UPDATE session SET changes = MAX(:least, changes + :kept)", new)
    db.execute("COMMIT")


def _move(store: Path, to: Path, suffixes: Sequence[str]) -> None:
    """Give what is there of a store another name, file by file.

    It is not opened: SQLite throws away the log of a store whose head is damaged. On its way out
    the log goes last, on its way back first: without its store it is refused by name, where a
    store without it would be an older one.
    """
    for suffix in suffixes:
        with suppress(FileNotFoundError):
            os.rename(f"{store}{suffix}", f"{to}{suffix}")


@contextmanager
def _opened(store: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a store to read it whole, past its locks where nothing can be written beside it.

    Past them it is the store at one moment only if its log was empty then, which is looked at
    first, and if nobody wrote its file since: a server that writes moves its log there.
    """
    before = _written_at(store)
    try:
        db, past_locks = connect_with_log(store, mode, _WAIT_SECONDS), False
    except sqlite3.OperationalError:
        db, past_locks = connect_without_log(store), True
    with closing(db):
        yield db
    if past_locks and _written_at(store) != before:
        raise Unusable(f"{store} was written while it was read, and cannot be locked")


def _written_at(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size
