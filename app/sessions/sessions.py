"""All sessions: those in memory, and the way back in for those that are not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.json_text import read_json, written
from app.limits import Limits
from app.metrics import Metrics
from app.refusal import Refused
from app.sessions.expiry import DAY
from app.sessions.opening import Openings
from app.sessions.player import Player
from app.sessions.rate import Allowance
from app.sessions.rows import Place, Stored
from app.sessions.schema import KEY_BYTES
from app.sessions.session import Session
from app.sessions.store import Damaged, Store
from app.sessions.workers import Workers
from app.sessions.writer import NotStored
from app.timeline.run import StepRecord
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline

_EXPIRE_SECONDS = 600
_PATIENCE = 2.0  # seconds that opening a session may take until one who waits is told
_NOTE_SECONDS = 3_600  # between two notes that a session is used: to read it shall cost no writes
# That a session stays once it is there: whoever was told that it is on its way comes back for it.
_AWAITED_SECONDS = 10.0
_log = logging.getLogger("retrace")


class Seat:
    """A session in memory with its player, and how many commands it may still be given."""

    def __init__(self, session: Session, limits: Limits) -> None:
        self.session, self.player = session, Player(session)
        self.commands = Allowance(limits, "a session")
        self.awaited_until = 0.0  # seconds of the steady clock, or until somebody holds it

    @property
    def is_used(self) -> bool:
        used = self.session.is_used or self.player.is_behind
        return used or time.monotonic() < self.awaited_until


@dataclass(frozen=True)
class Access:
    """A seat, and the key that opened it: the one that writes, or the one that only reads."""

    seat: Seat
    key: str

    @property
    def may_write(self) -> bool:
        return self.key == self.session.id

    @property
    def session(self) -> Session:
        return self.seat.session

    def writing(self) -> Seat:
        """Return the seat to one who may change the run; Refused `read_only` for others."""
        if not self.may_write:
            expected = "the key that writes; this one opens the run to read it only"
            raise Refused("read_only", "id", None, expected)
        return self.seat

    async def record(self, step: int, patience: float) -> StepRecord:
        """Return the numbers of a step; a reader may not have the run computed further."""

        def check() -> None:
            furthest = max(self.session.extent.furthest, self.session.shown.step)
            if not self.may_write and step > furthest:
                expected = (
                    f"a step from 0 to {furthest:,}, the furthest computed, with a key that reads"
                )
                raise Refused("read_only", "step", step, expected)

        return await self.session.reads.record(step, patience, check)


class Sessions:
    """Keeps as many sessions in memory as `limits` say; the idle ones wait in the store."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        metrics: Metrics | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self._workers = Workers(limits)
        self._store = Store(folder, limits, self.metrics.committed)
        self.limits = limits
        self._seats: OrderedDict[str, Seat] = OrderedDict()
        self._keys: dict[str, str] = {}  # keys of the seats: read_id -> id
        parts = (limits, self._workers, self._store, self.metrics)
        self._openings = Openings(*parts, self._arrived, self._forget_key)
        self._leaving: dict[str, asyncio.Event] = {}
        self._looking = asyncio.Lock()  # for a session that may have to be opened, or deleted
        self._leavers: asyncio.Task[None] | None = None  # makes room
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after the store: sessions that nobody uses expire."""
        self._sweeper = asyncio.create_task(self._sweep())

    @property
    def resident(self) -> int:
        return len(self._seats)

    @property
    def store_bytes(self) -> float:
        """Return how many bytes the store uses; nan where that cannot be read just now."""
        return self._store.used_bytes

    @property
    def writer_age(self) -> float:
        """Return how many seconds the oldest write under way has waited."""
        return self._store.writer.age

    @property
    def viewer_age(self) -> float:
        """Return how many seconds the oldest message for a viewer has waited."""
        viewers = (v for seat in self._seats.values() for v in seat.session.viewers)
        return max((viewer.age for viewer in viewers), default=0.0)

    async def problem(self) -> str | None:
        """Return why nothing can be stored, or None if all is well."""
        return await self._store.writer.check()

    async def create(self, given: Any, address: str = "") -> Session:
        """Make a session of a spec, as JSON or as its text; Refused where the spec is.

        Large ones are read one at a time, in turn for each address.
        """
        lane = self._workers.for_specs(len(given) if isinstance(given, bytes) else 0)
        timeline, spec = await lane.read(address, _timeline_of_new, given, self.limits)
        keys = secrets.token_urlsafe(KEY_BYTES), secrets.token_urlsafe(KEY_BYTES)
        saved = await lane.compute(timeline.saving)
        place = Place(0, 0, 0, 0, 0, timeline.machine)
        now = self._store.now()
        stored = Stored(*keys, place, {}, [], [], saved, text=spec, used_at=now)
        await self._store.insert(stored)
        timeline.note_stored(saved)
        session = Session(timeline, stored, [], self._workers, self._store, self.metrics)
        await session.show_stored()
        self._seat(session)
        self._make_room()
        with contextlib.suppress(TimeoutError):  # whoever makes many waits for those who leave
            await asyncio.wait_for(self.made_room(), _PATIENCE)
        return session

    @asynccontextmanager
    async def use(self, key: str, patience: float | None = None) -> AsyncIterator[Access]:
        """Hold a session in memory for a while; Refused `unknown_session` if there is none.

        Busy where what it shows is still being computed after `patience` seconds: that goes on.
        """
        seat = await self._find(key, _PATIENCE if patience is None else patience)
        session, seat.awaited_until = seat.session, 0.0
        self._seats.move_to_end(session.id)
        session.users += 1
        try:
            await self._note_use(session)
            yield Access(seat, key)
        finally:
            session.users -= 1
            self._make_room()

    async def writes(self, key: str) -> bool:
        """Tell whether a key may change a run, without opening it."""
        if key in self._seats or key in self._keys:
            return key in self._seats
        with contextlib.suppress(Damaged):  # whoever opens it is told
            return await self._store.writes(key)
        return False

    async def exists(self, key: str) -> bool:
        if key in self._seats or key in self._keys:
            return True
        return await self._store.exists(key)

    async def expire(self) -> None:
        """Delete sessions that nobody used for long."""
        await self._follow_clock()
        for identity in list(self._seats):
            seat = self._seats.get(identity)  # it may have left meanwhile, and come back
            if seat and seat.session.is_used:
                await self._note_use(seat.session)
            elif seat and not seat.is_used and self._store.now() - seat.session.used_at > DAY:
                await self._leave(identity)  # in memory it would never be idle for long
        for idle in await self._store.expired(set(self._seats)):
            async with self._looking:
                if not self._is_held(idle.id):  # it may have been opened since
                    await self._store.delete(idle)

    async def close(self) -> None:
        """Save everything that is in memory and stop."""
        if self._sweeper:
            self._sweeper.cancel()
        for seat in self._seats.values():  # nobody will be answered for what is still computed
            seat.session.give_up()
        await self._openings.end()
        while self._seats:
            try:
                await self._leave(next(iter(self._seats)))
            except Exception as failure:  # of one run: the others are still to be saved
                _log.error("a session could not be saved", exc_info=failure)
        for leaving in list(self._leaving.values()):
            await leaving.wait()
        await self._store.close()
        self._workers.close()

    async def _note_use(self, session: Session) -> None:
        """Have the store know that somebody has this run open: no kill may make it look idle."""
        now = self._store.now()
        if not 0 <= now - session.used_at < _NOTE_SECONDS:
            session.used_at = now
            with contextlib.suppress(NotStored):
                await self._store.note_use(session.id)

    def _seat(self, session: Session) -> Seat:
        seat = self._seats[session.id] = Seat(session, self.limits)
        self._keys[session.read_id] = session.id
        return seat

    async def _find(self, key: str, patience: float) -> Seat:
        while True:
            identity = self._keys.get(key, key)
            seat = self._seats.get(identity)
            if seat is not None:
                return seat
            if not self._is_held(identity):
                with contextlib.suppress(TimeoutError):  # what comes waits for what has to go
                    await asyncio.wait_for(self.made_room(), _PATIENCE)
                identity = await self._open(key)
            await self._settled(identity, patience)

    async def _open(self, key: str) -> str:
        """Begin to load a session and return its id; requests that come at once share one loading,
        whatever their key.
        """
        async with self._looking:  # what is found is not deleted before it is held
            identity = self._keys.get(key, key)
            if self._is_held(identity):
                return identity
            stored = await self._store.load(key)
            if stored is None:
                raise Refused("unknown_session", "id", key, "the id of a session on this server")
            if not self._is_held(stored.id):
                self._begin_to_open(stored)
        return stored.id

    def _is_held(self, identity: str) -> bool:
        """Tell whether a session is in memory, or on its way there or back to the store."""
        places = (self._seats, self._openings.under_way, self._leaving)
        return any(identity in held for held in places)

    def _begin_to_open(self, stored: Stored) -> None:
        self._keys[stored.read_id] = stored.id
        self._openings.begin(stored)

    def _arrived(self, session: Session) -> None:
        self._seat(session).awaited_until = time.monotonic() + _AWAITED_SECONDS

    def _forget_key(self, stored: Stored) -> None:
        """Forget the key of one that was on its way, where it did not arrive."""
        if not self._is_held(stored.id):
            self._keys.pop(stored.read_id, None)

    async def _settled(self, identity: str, patience: float) -> None:
        """Return once a session is neither on its way into memory nor back to the store."""
        if identity in self._leaving:  # what was found may be older than what is being stored
            await self._leaving[identity].wait()
        elif identity in self._openings.under_way:
            await self._openings.wait(identity, patience)

    def _make_room(self) -> None:
        """Begin to let runs leave that nobody uses; nobody's answer waits for that."""
        if self._leavers is None and self._is_crowded() and self._idle():
            self._leavers = asyncio.create_task(self._let_leave())
            self._leavers.add_done_callback(self._have_left)

    async def made_room(self) -> None:
        """Return once as many have left as had to, and could."""
        while self._leavers:
            await asyncio.wait({self._leavers})

    def _idle(self) -> list[str]:
        return [identity for identity, seat in self._seats.items() if not seat.is_used]

    async def _let_leave(self) -> None:
        while self._is_crowded() and (idle := self._idle()):
            for identity in idle:  # they would keep threads and store from those who leave
                self._seats[identity].session.give_up()
            await self._leave(idle[0])

    def _have_left(self, task: asyncio.Task[None]) -> None:
        self._leavers = None
        self._make_room()  # somebody may have gone since it looked, or one could not be stored
        if not task.cancelled() and (failure := task.exception()):
            _log.error("a session could not leave", exc_info=failure)

    def _is_crowded(self) -> bool:
        taken = sum(seat.session.kept_bytes for seat in self._seats.values())
        most = self.limits.resident_sessions
        return len(self._seats) > most or taken > self.limits.resident_bytes

    async def _leave(self, identity: str) -> None:
        """Take a session out of memory; whoever asks for it meanwhile waits until it is stored."""
        seat, left = self._seats.pop(identity), asyncio.Event()
        self._leaving[identity] = left
        try:
            await seat.player.close()
            with contextlib.suppress(NotStored):  # what was answered is in the store already
                await seat.session.leave()
        finally:
            del self._leaving[identity]
            self._keys.pop(seat.session.read_id, None)  # until now it is found by it
            left.set()

    async def _follow_clock(self) -> None:
        leap = await self._store.follow_clock()
        if leap:
            _log.warning("the clock leapt: %d s that make no run older", leap)

    async def _sweep(self) -> None:
        """Look after the store. At the start nothing goes: a clock may still be set right."""
        look = self._follow_clock
        while True:
            try:
                await look()
            except NotStored:
                pass  # it is tried again
            except Exception as failure:  # whatever it was: the store is looked after again
                _log.error("the store could not be looked after", exc_info=failure)
            look = self.expire
            await asyncio.sleep(_EXPIRE_SECONDS)


def _timeline_of_new(given: Any, limits: Limits) -> tuple[Timeline, str]:
    """Return the run of a spec, and the completed spec's JSON."""
    spec = parse_spec(read_json(given, "body") if isinstance(given, bytes) else given, limits)
    return Timeline(spec, limits=limits), written(spec.to_json())
