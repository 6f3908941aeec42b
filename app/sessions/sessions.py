"""All sessions: those in memory, and the way back in for those that are not."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.limits import UNLIMITED, Limits
from app.refusal import Refused
from app.sessions.player import Player
from app.sessions.session import Session
from app.sessions.store import Store, Stored
from app.sessions.workers import Workers
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline

_ID_BYTES = 16


class Seat:
    """A session in memory with its player."""

    def __init__(self, session: Session) -> None:
        self.session, self.player = session, Player(session)


class Sessions:
    """Keeps as many sessions in memory as `limits` say; the idle ones wait in the store."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._workers = Workers()
        self._store = Store(folder)
        self._limits = limits
        self._seats: OrderedDict[str, Seat] = OrderedDict()
        self._opening: dict[str, asyncio.Task[Seat]] = {}

    async def create(self, given: Any) -> Session:
        """Make a session of a spec as JSON; Refused where the spec is."""
        identity = secrets.token_urlsafe(_ID_BYTES)
        timeline = await self._workers.compute(
            lambda: Timeline(parse_spec(given, self._limits), limits=self._limits)
        )
        spec = timeline.spec.to_json()
        stored = Stored(identity, spec, [], [], 0, 0, 0)
        session = Session(identity, timeline, stored, self._workers, self._store)
        await self._workers.store(self._store.insert, stored)
        self._seats[identity] = Seat(session)
        await self._make_room()
        return session

    @asynccontextmanager
    async def use(self, identity: str) -> AsyncIterator[Seat]:
        """Hold a session in memory for a while; Refused `unknown_session` if there is none."""
        seat = self._seats.get(identity) or await self._open(identity)
        seat = self._seats.setdefault(identity, seat)  # it may have left while this one waited
        self._seats.move_to_end(identity)
        seat.session.users += 1
        try:
            yield seat
        finally:
            seat.session.users -= 1
            await self._make_room()

    async def exists(self, identity: str) -> bool:
        if identity in self._seats:
            return True
        return await self._workers.store(self._store.load, identity) is not None

    async def close(self) -> None:
        """Save everything that is in memory and stop."""
        for identity in list(self._seats):
            await self._leave(identity)
        await self._workers.store(self._store.close)
        self._workers.close()

    async def _open(self, identity: str) -> Seat:
        """Load a session; requests that come at once share one loading."""
        task = self._opening.get(identity)
        if task is None:
            task = self._opening[identity] = asyncio.create_task(self._load(identity))
            task.add_done_callback(lambda _: self._opening.pop(identity, None))
        return await asyncio.shield(task)

    async def _load(self, identity: str) -> Seat:
        stored = await self._workers.store(self._store.load, identity)
        if stored is None:
            expected = "the id of a session on this server"
            raise Refused("unknown_session", "id", identity, expected)

        def build() -> Timeline:
            spec = parse_spec(stored.spec, UNLIMITED)  # what was granted once stays
            return Timeline(spec, stored.edits, stored.undo_stack, stored.saved, self._limits)

        timeline = await self._workers.compute(build)
        session = Session(identity, timeline, stored, self._workers, self._store)
        await session.show_stored()
        seat = self._seats[identity] = Seat(session)
        return seat

    async def _make_room(self) -> None:
        while len(self._seats) > self._limits.resident_sessions:
            idle = (k for k, seat in self._seats.items() if not seat.session.users)
            identity = next(idle, None)
            if identity is None:
                return
            await self._leave(identity)

    async def _leave(self, identity: str) -> None:
        seat = self._seats.pop(identity)
        await seat.player.pause("closing")
        await seat.session.reaching.close()
        await seat.session.store_cursor()
        await seat.session.store_checkpoints()
