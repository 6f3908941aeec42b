"""Reading a run beside whatever else is under way: what is read is what the store holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from app.refusal import Refused
from app.sessions.reaching import Busy, Cancelled, Reaching
from app.sessions.store import Store
from app.sessions.workers import Lane, P, T
from app.sessions.writer import NotStored
from app.timeline.run import StepRecord
from app.timeline.timeline import Timeline

R = TypeVar("R")


class Reads:
    """Of one run. They have a search of their own, so that no reader may end a move.

    `seen` is the furthest step of which the store knows that somebody may have seen it.
    """

    def __init__(
        self,
        identity: str,
        timeline: Timeline,
        workers: Lane,
        store: Store,
        computing: asyncio.Lock,
        count: Callable[[int], None],
    ) -> None:
        self._id, self._timeline, self._workers, self._store = identity, timeline, workers, store
        self._computing, self.seen = computing, 0
        self._reaching = Reaching(timeline, workers, computing, lambda _: None, count)
        self._turn, self._editing = asyncio.Lock(), asyncio.Lock()
        self._edits_begun = 0

    async def record(
        self, step: int, patience: float, check: Callable[[], None] = lambda: None
    ) -> StepRecord:
        """Return the numbers of any step that `check` does not refuse by how far the run goes.

        Busy where they, or another reader's, take longer than `patience` seconds.
        """
        check()
        try:
            async with asyncio.timeout(patience):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy(min(self._reaching.reached, step), step) from None

        async def read() -> StepRecord:
            check()  # once more: an edit may have cut the run meanwhile
            return await self._reaching.record(step, patience)

        try:
            found = await self._as_stored(read)
        finally:
            self._turn.release()
        return found if await self._is_known(found.step) else replace(found, exact=False)

    async def trail(self, step: int) -> list[tuple[int, Any]]:
        return await self._as_stored(lambda: self._compute(self._timeline.trail, step))

    async def history(self) -> dict[str, Any]:
        """Return the losses so far; the steps that they are of count as seen."""
        found = await self._as_stored(lambda: self._compute(self._timeline.history))
        await self._is_known(self._timeline.furthest)
        return found

    async def note_seen(self, step: int, until: int = 0) -> None:
        """Store that this step is seen, before it is; NotStored where that cannot be.

        Another kind of machine that computes it then knows that its digits may be others. Steps up
        to `until` will be seen soon, if nobody knows better by then: so they need no write each.
        """
        if step > self.seen:
            furthest, machine = self._timeline.shown
            furthest = max(furthest, until)
            await self._store.note_seen(self._id, furthest, machine)
            self.seen = max(self.seen, furthest)

    @property
    def are_held(self) -> bool:
        """Tell whether an edit is under way."""
        return self._editing.locked()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold all reads while an edit is under way: one that is not stored is shown to nobody."""
        async with self._editing:
            self._edits_begun += 1
            self._reaching.cancel()
            yield

    def cancel(self) -> None:
        self._reaching.cancel()

    async def close(self) -> None:
        await self._reaching.close()

    async def _as_stored(self, read: Callable[[], Awaitable[R]]) -> R:
        """Read while no edit is under way, again where one came in between."""
        while True:
            async with self._editing:
                begun = self._edits_begun
            try:
                found = await read()
            except (Refused, Cancelled):
                if self._edits_begun == begun:
                    raise
            else:
                if self._edits_begun == begun:
                    return found

    async def _is_known(self, step: int) -> bool:
        """Tell whether the store knows that this step is seen."""
        try:
            await self.note_seen(step)
        except NotStored:
            return False
        return True

    async def _compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._computing:
            return await self._workers.compute(call, *args, **kwargs)
