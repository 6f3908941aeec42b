"""All sessions: those in memory, and the way back in for those that are not."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.limits import UNLIMITED, Limits
from app.metrics import Metrics
from app.refusal import Refused
from app.sessions.player import Player
from app.sessions.rate import Allowance
from app.sessions.schema import KEY_BYTES
from app.sessions.session import Session
from app.sessions.store import Place, Store, Stored
from app.sessions.workers import Workers
from app.sessions.writer import NotStored
from app.timeline.run import StepRecord
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline

_EXPIRE_SECONDS = 600


class Seat:
    """A session in memory with its player, and how many commands it may still be given."""

    def __init__(self, session: Session, limits: Limits) -> None:
        self.session, self.player = session, Player(session)
        self.commands = Allowance(limits, "a session")


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
        furthest = max(self.session.timeline.furthest, self.session.shown.step)
        if not self.may_write and step > furthest:
            expected = (
                f"a step from 0 to {furthest:,}, the furthest computed, with a key that reads"
            )
            raise Refused("read_only", "step", step, expected)
        return await self.session.record(step, patience)


class Sessions:
    """Keeps as many sessions in memory as `limits` say; the idle ones wait in the store."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        metrics: Metrics | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self._workers = Workers()
        self._store = Store(folder, limits, self.metrics.committed)
        self.limits = limits
        self._seats: OrderedDict[str, Seat] = OrderedDict()
        self._keys: dict[str, str] = {}  # keys of the seats: read_id -> id
        self._opening: dict[str, asyncio.Task[Seat]] = {}
        self._leaving: dict[str, asyncio.Event] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after the store: sessions that nobody uses expire."""
        self._sweeper = asyncio.create_task(self._sweep())

    @property
    def resident(self) -> int:
        return len(self._seats)

    @property
    def writer_age(self) -> float:
        """Return how many seconds the oldest write under way has waited."""
        return self._store.writer.age

    @property
    def viewer_age(self) -> float:
        """Return how many seconds the oldest message for a viewer has waited."""
        viewers = (v for seat in self._seats.values() for v in seat.session.viewers)
        return max((viewer.age for viewer in viewers), default=0.0)

    def problem(self) -> str | None:
        """Return why nothing can be stored, or None if all is well."""
        return self._store.writer.problem

    async def create(self, given: Any) -> Session:
        """Make a session of a spec as JSON; Refused where the spec is."""
        limits = self.limits
        timeline = await self._workers.compute(
            lambda: Timeline(parse_spec(given, limits), limits=limits)
        )
        keys = secrets.token_urlsafe(KEY_BYTES), secrets.token_urlsafe(KEY_BYTES)
        saved = await self._workers.compute(timeline.saving)
        place = Place(0, 0, 0, 0, 0, timeline.machine)
        spec = timeline.spec.to_json()
        stored = Stored(*keys, place, spec, [], [], saved)
        await self._store.insert(stored)
        timeline.note_stored(saved)
        session = Session(timeline, stored, [], self._workers, self._store, self.metrics)
        self._seat(session)
        await self._make_room()
        return session

    @asynccontextmanager
    async def use(self, key: str) -> AsyncIterator[Access]:
        """Hold a session in memory for a while; Refused `unknown_session` if there is none."""
        seat = await self._find(key)
        session = seat.session
        self._seats.move_to_end(session.id)
        session.users += 1
        try:
            yield Access(seat, key)
        finally:
            session.users -= 1
            await self._make_room()

    async def exists(self, key: str) -> bool:
        if key in self._seats or key in self._keys:
            return True
        return await self._store.load(key) is not None

    async def close(self) -> None:
        """Save everything that is in memory and stop."""
        if self._sweeper:
            self._sweeper.cancel()
        for identity in list(self._seats):
            await self._leave(identity)
        await self._store.close()
        self._workers.close()

    def _seat(self, session: Session) -> Seat:
        seat = self._seats[session.id] = Seat(session, self.limits)
        self._keys[session.read_id] = session.id
        return seat

    async def _find(self, key: str) -> Seat:
        while True:
            identity = self._keys.get(key, key)
            seat = self._seats.get(identity) or await self._open(key)
            if self._seats.get(seat.session.id) is seat:
                return seat  # else it has left while this one waited

    async def _open(self, key: str) -> Seat:
        """Load a session; requests that come at once share one loading, whatever their key."""
        stored = await self._stored(key)
        seat = self._seats.get(stored.id)
        if seat is not None:
            return seat
        task = self._opening.get(stored.id)
        if task is None:
            task = self._opening[stored.id] = asyncio.create_task(self._load(stored))
            task.add_done_callback(lambda _: self._opening.pop(stored.id, None))
        return await asyncio.shield(task)

    async def _stored(self, key: str) -> Stored:
        """Return what the store has of a session, once nothing is on its way there any more."""
        while True:
            stored = await self._store.load(key)
            if stored is None:
                expected = "the id of a session on this server"
                raise Refused("unknown_session", "id", key, expected)
            leaving = self._leaving.get(stored.id)
            if leaving is None:
                return stored
            await leaving.wait()

    async def _load(self, stored: Stored) -> Seat:
        def build() -> Timeline:
            spec = parse_spec(stored.spec, UNLIMITED)  # what was granted once stays
            place = stored.place
            most = max(self.limits.max_steps, place.step, place.furthest)
            limits, seen = replace(self.limits, max_steps=most), (place.furthest, place.machine)
            return Timeline(spec, stored.edits, stored.undo_stack, stored.saved, limits, seen)

        timeline = await self._workers.compute(build)
        commands = await self._store.commands(stored.id)
        session = Session(timeline, stored, commands, self._workers, self._store, self.metrics)
        await session.show_stored()
        return self._seat(session)

    async def _make_room(self) -> None:
        while self._is_crowded():
            idle = (k for k, seat in self._seats.items() if not seat.session.is_used)
            identity = next(idle, None)
            if identity is None:
                return
            await self._leave(identity)

    def _is_crowded(self) -> bool:
        taken = sum(seat.session.timeline.kept_bytes for seat in self._seats.values())
        most = self.limits.resident_sessions
        return len(self._seats) > most or taken > self.limits.resident_bytes

    async def _leave(self, identity: str) -> None:
        """Take a session out of memory; whoever asks for it meanwhile waits until it is stored."""
        seat, left = self._seats.pop(identity), asyncio.Event()
        self._keys.pop(seat.session.read_id, None)
        self._leaving[identity] = left
        try:
            await seat.player.pause("closing")
            with contextlib.suppress(NotStored):  # what was answered is in the store already
                await seat.session.leave()
        finally:
            del self._leaving[identity]
            left.set()

    async def _sweep(self) -> None:
        while True:
            with contextlib.suppress(NotStored):
                await self._store.expire(set(self._seats))
            await asyncio.sleep(_EXPIRE_SECONDS)
