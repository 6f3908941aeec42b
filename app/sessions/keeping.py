"""Storing what a run computed, so that a kill costs about a second of computing and no truth."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from app.sessions.rows import Place
from app.sessions.store import Store
from app.sessions.workers import Lane
from app.sessions.writer import NotStored
from app.timeline.timeline import Timeline

_MUCH = 1.3  # seconds of computing that a kill may cost, about


class Keeping:
    """Of one run; `here` gives what tells where it stands, or None where the run left memory.

    What is stored takes its turn under `turn`, since only between two commands memory is what the
    store may hold, and uses the timeline under `computing`.
    """

    def __init__(
        self,
        identity: str,
        timeline: Timeline,
        workers: Lane,
        store: Store,
        turn: asyncio.Lock,
        computing: asyncio.Lock,
        here: Callable[[], Callable[[], Place] | None],
    ) -> None:
        self._id, self._timeline, self._workers, self._store = identity, timeline, workers, store
        self._turn, self._computing, self._here = turn, computing, here
        self.enough = _MUCH  # so much is worth storing: where that failed, twice as much
        self.task: asyncio.Task[None] | None = None  # what is being stored in the background

    @property
    def has_much(self) -> bool:
        return self._timeline.unsaved >= self.enough

    async def store(self) -> None:
        """Store where the run stands and all that was computed, in parts: between two of them
        others are stored. Whoever asks holds the turn.
        """
        async with self._computing:
            try:
                while not await self._store_some():
                    pass
            finally:
                self.note_stored()

    def note_stored(self) -> None:
        """Take note that what could be stored is: beyond that, so much more is worth it."""
        self.enough = self._timeline.unsaved + _MUCH

    async def store_if_much(self) -> None:
        """Store what would take long to compute again; that it cannot be stored costs no truth."""
        if self.has_much:
            with contextlib.suppress(NotStored):
                await self.store()

    def begin(self) -> None:
        """Begin to store in the background, where there is much."""
        if self.task is None and self.has_much:
            self.task = asyncio.create_task(self._keep())
            self.task.add_done_callback(self._has_kept)

    async def end(self) -> None:
        """Wait for what is being stored in the background."""
        while self.task:
            await asyncio.wait({self.task})

    async def _keep(self) -> None:
        async with self._turn:
            await self.store_if_much()

    def _has_kept(self, _: asyncio.Task[None]) -> None:
        self.task = None
        self.begin()  # more may have been computed meanwhile, and nobody may compute any more

    async def _store_some(self) -> bool:
        """Return whether there is nothing more to store, or nowhere."""
        saved, here = await self._workers.compute(self._timeline.saving), self._here()
        if here is None or not await self._store.save(self._id, here(), saved):
            return True
        self._timeline.note_stored(saved)
        return saved.complete
