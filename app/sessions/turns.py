"""Turns at what there is little of: whoever asks much waits behind those who ask once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.limits import over
from app.refusal import Refused

_SOON = 1  # seconds after which it may be asked again


class Turns:
    """Hands out so many turns at once, to those who wait one after the other.

    Each may have `most` requests that wait; what is more is refused by the limit `reads_waiting`.
    """

    def __init__(self, at_once: int, most: float) -> None:
        self._free, self._most = at_once, most
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def of(self, whose: str) -> AsyncIterator[None]:
        """Hold a turn; Refused `too_many_reads` where too many of `whose` wait already."""
        await self._take(whose)
        try:
            yield
        finally:
            self._give()

    async def _take(self, whose: str) -> None:
        if self._free:
            self._free -= 1
            return
        queue = self._waiting.setdefault(whose, deque())
        if len(queue) >= self._most:
            raise self._too_many()
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had come just then
                self._give()
            raise

    def _give(self) -> None:
        """Give a turn to whoever waits next; those who have had one go to the end."""
        while self._waiting:
            whose, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[whose] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _too_many(self) -> Refused:
        expected = f"at most {self._most:,} explanations of a run to wait for"
        refusal = over("reads_waiting", expected, None, None, "too_many_reads")
        refusal.retry_after = _SOON
        return refusal
