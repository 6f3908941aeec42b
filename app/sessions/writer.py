"""The one writer: what waits is written in one transaction, and answered once it is on disk.

While one group is being committed the next one gathers, so a lone command waits for nothing and a
thousand share one commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.sessions.ending import to_its_end
from app.sessions.trouble import DAMAGE, MOVED, Trouble, name_of, reason_of

Write = Callable[[sqlite3.Connection], object]
_MOST = 512
_GATHER_SECONDS = 0.005
# What keeps one write from the disk keeps every other one from it. Not so a lack of room, which may
# be one of much room only, nor damage, which may be elsewhere.
_FOR_ALL = ("SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_BUSY")
_BUSY_SECONDS = 2.0  # that a lock is waited for; once that was in vain, no other write waits
_STUCK_SECONDS = 5.0  # after which the disk is what keeps a write
_ROOM_BYTES = 65_536
_ENDED = "the thread that writes has ended"
_log = logging.getLogger("retrace")


class NotStored(Exception):
    """Nothing was written and nothing has changed; `reason` says why, in plain words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"nothing was changed, since {reason}; reading goes on")
        self.reason = reason


class _NobodyCan(NotStored):
    """What kept this write from the disk keeps every other one from it."""


class Conflict(NotStored):
    """What should be written is there already, or what it belongs to is gone."""


@dataclass
class _Waiting:
    write: Write
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    large: bool
    since: float = field(default_factory=time.monotonic)

    def settle(self, failure: Exception | None) -> None:
        if self.done.done():
            return
        if failure:
            self.done.set_exception(failure)
        else:
            self.done.set_result(None)


class Writer:
    """A thread with the only connection that writes; `on_commit` is told seconds and group size."""

    def __init__(
        self, db: sqlite3.Connection, on_commit: Callable[[float, int], None] = lambda *_: None
    ) -> None:
        self._db, self._on_commit = db, on_commit
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._large: deque[_Waiting] = deque()
        self._oldest: float | None = None
        self.trouble = Trouble()  # what kept the last write from the disk, or damage
        self._file = db.execute("PRAGMA database_list").fetchone()[2]
        self._identity = _identity(self._file)
        self._trying = False
        self._wait_for_locks(_BUSY_SECONDS)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def put(self, write: Write, large: bool = False) -> None:
        """Return once `write` is committed; NotStored where it could not be.

        A large one has a transaction of its own, and lets the small ones go first that wait with
        it. Conflict where it contradicts what is stored; what else `write` raises is raised here.
        Whoever is cancelled waits too: a large write could else undo a later small one.
        """
        if not self.is_open:
            raise NotStored(_ENDED)
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._queue.put(_Waiting(write, loop, done, large))
        await to_its_end(done)

    async def check(self) -> str | None:
        """Return why nothing can be written, or None; what was wrong is tried once more."""
        if not self.is_open:
            return _ENDED
        if self.age > _STUCK_SECONDS:
            return f"the disk has kept a write waiting for {self.age:.0f} s"
        if self._is_moved():
            self.trouble.note(MOVED)
        if self.trouble.reason not in (None, DAMAGE) and not self._trying:
            self._trying = True
            try:
                await self.put(_take_room)
            except NotStored:
                pass  # `trouble` says why
            finally:
                self._trying = False
        return self.trouble.reason

    @property
    def is_open(self) -> bool:
        return self._thread.is_alive()

    @property
    def age(self) -> float:
        """Return how many seconds the oldest write under way has waited."""
        oldest = self._oldest
        return time.monotonic() - oldest if oldest is not None else 0.0

    def close(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join()
        self._db.close()

    def _run(self) -> None:
        open_ended, busy = True, False
        while open_ended or self._large:
            group, more = self._gather(_GATHER_SECONDS if busy else 0.0)
            open_ended, busy = open_ended and more, len(group) > 1
            self._survive(group)
            if self._large:
                self._survive([self._large.popleft()])
        self._turn_away()

    def _turn_away(self) -> None:
        """Answer those who came too late: they would wait for ever."""
        with contextlib.suppress(queue.Empty):
            while True:
                late = self._queue.get_nowait()
                if late:
                    self._answer([late], NotStored(_ENDED))

    def _gather(self, patience: float) -> tuple[list[_Waiting], bool]:
        """Return the next group, and whether there may be more; put aside what is large.

        Only a writer that is busy already waits a moment for company: then it saves commits.
        """
        group: list[_Waiting] = []
        until = 0.0
        while len(group) < _MOST:
            try:
                wait = None if not group and not self._large else max(until - time.monotonic(), 0.0)
                item = self._queue.get(timeout=wait) if wait != 0.0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return group, False
            if item.large:
                self._large.append(item)
                continue
            if not group:
                until = time.monotonic() + patience
            group.append(item)
        return group, True

    def _survive(self, group: list[_Waiting]) -> None:
        """Write a group. Whatever goes wrong, this thread goes on: all others wait for it."""
        if not group:
            return
        self._oldest = group[0].since
        try:
            self._write_group(group)
        except Exception as error:
            _log.error("the writer failed", exc_info=error)
            self._answer(group, error)
        finally:
            self._oldest = None

    def _write_group(self, group: list[_Waiting]) -> None:
        started = time.monotonic()
        failure = self._try(group)
        if failure is None:
            self._answer(group, None)
            self._on_commit(time.monotonic() - started, len(group))
        elif len(group) == 1 or isinstance(failure, _NobodyCan):
            self._answer(group, failure)
        else:  # one write that cannot be done must not fail its neighbours
            for waiting in group:
                self._answer([waiting], self._try([waiting]))

    def _answer(self, group: list[_Waiting], failure: Exception | None) -> None:
        """Have each loop told once: to wake it costs more than to answer one who waits there."""
        for loop in {waiting.loop for waiting in group}:
            with contextlib.suppress(RuntimeError):  # it is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, group, loop, failure)

    def _try(self, group: list[_Waiting]) -> Exception | None:
        """Write in one transaction; return what kept all of it from the disk, or None."""
        try:
            self._transact([waiting.write for waiting in group])
        except sqlite3.IntegrityError:
            return Conflict("it contradicts what is stored")
        except sqlite3.Error as error:
            return self._failed(error)
        except _NobodyCan as failure:
            self.trouble.note(failure.reason)
            return failure
        except Exception as error:  # of the write itself: whoever asked for it is told
            return error
        if self.trouble.reason != DAMAGE:  # other rows than the damaged ones can still be written
            self.trouble.note(None)
        if not self._lock_seconds:
            self._wait_for_locks(_BUSY_SECONDS)
        return None

    def _failed(self, error: sqlite3.Error) -> NotStored:
        """Note what is wrong with the disk, and return what those are told who wait."""
        reason, name = reason_of(error), name_of(error)
        self.trouble.note(reason or self.trouble.reason)
        if name.startswith("SQLITE_BUSY"):
            self._wait_for_locks(0.0)
        kind = _NobodyCan if name.startswith(_FOR_ALL) else NotStored
        return kind(reason or "the store failed")

    def _wait_for_locks(self, seconds: float) -> None:
        self._lock_seconds = seconds
        self._db.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def _transact(self, writes: list[Write]) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            for write in writes:
                write(db)
            if self._is_moved():  # what is written there is gone with the next start
                raise _NobodyCan(MOVED)
            self._commit()
        except BaseException:
            if db.in_transaction:  # a full disk may have rolled it back already
                db.execute("ROLLBACK")
            raise

    def _is_moved(self) -> bool:
        """Tell whether the open file is no more the one of its name."""
        return _identity(self._file) != self._identity

    def _commit(self) -> None:
        self._db.execute("COMMIT")


class Refusing:
    """The writer of a store that cannot be opened to write it.

    `again` tries to open it, and returns the writer that can, or None; without it nothing is tried.
    """

    age = 0.0
    is_open = False

    def __init__(
        self, problem: str, again: Callable[[], Awaitable[Writer | None]] | None = None
    ) -> None:
        self.trouble, self._again = Trouble(problem), again

    async def put(self, write: Write, large: bool = False) -> None:
        writer = await self._tried()
        if writer is None:
            raise NotStored(self.trouble.reason or _ENDED)
        await writer.put(write, large)

    async def check(self) -> str | None:
        writer = await self._tried()
        return await writer.check() if writer else self.trouble.reason

    async def _tried(self) -> Writer | None:
        writer = await self._again() if self._again else None
        if writer:
            self.trouble.note(None)
        return writer

    def close(self) -> None:
        pass


def _settle(
    group: list[_Waiting], loop: asyncio.AbstractEventLoop, failure: Exception | None
) -> None:
    for waiting in group:
        if waiting.loop is loop:
            waiting.settle(failure)


def _take_room(db: sqlite3.Connection) -> None:
    """Take some room and give it back: where that is refused, commands would be too."""
    db.execute(f"CREATE TABLE room AS SELECT zeroblob({_ROOM_BYTES}) AS bytes")
    db.execute("DROP TABLE room")


def _identity(file: str) -> tuple[int, int] | None:
    """Return what tells a file from every other one, whatever their names; None if it is gone."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino
