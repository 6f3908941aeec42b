"""Reaching a step: computing towards it in slices, in the background where it is far.

One search at a time for a run: a new target replaces the one under way, and what was computed so
far stays computed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from app.sessions.workers import Lane
from app.timeline.run import StepRecord
from app.timeline.timeline import Timeline

SLICE_SECONDS = 0.006
_PROGRESS_SECONDS = 0.1
_AT_ONCE = 2e-4  # seconds of computing that cost less than to change threads and back


class Cancelled(Exception):
    """The search was given up for another one, or by `cancel`."""


class Busy(Exception):
    """The step is not there yet; the computing goes on. `step` of `target` is how far it came."""

    def __init__(self, step: int, target: int) -> None:
        super().__init__(f"computing: step {step:,} of {target:,}")
        self.step, self.target = step, target


class Reaching:
    """Finds the record of any step of one timeline; `tell` sends progress to the viewers.

    `count` is told how many steps were computed. Where it `insists`, what waits for a thread is
    not Busy yet: to give up and ask again would only cost the others more.
    """

    def __init__(
        self,
        timeline: Timeline,
        workers: Lane,
        computing: asyncio.Lock,
        tell: Callable[[dict[str, Any]], None],
        count: Callable[[int], None],
        insists: bool = False,
    ) -> None:
        self._timeline, self._workers, self._lock = timeline, workers, computing
        self._tell, self._count, self._insists = tell, count, insists
        self._is_far = False  # the latest search took more than its first slice
        self._slice = 32
        self._search: tuple[int, asyncio.Task[StepRecord]] | None = None
        self.reached = 0  # how far the latest search came

    async def record(self, step: int, patience: float | None) -> StepRecord:
        """Return the numbers of `step`.

        Raises Busy after `patience` seconds (None: never), Cancelled where another search took its
        place, Refused beyond the last finite step.
        """
        if not self._lock.locked() and self._timeline.seconds_to(step) < _AT_ONCE:
            self.cancel()
            found = self._compute_slice(step)
            self._count(self._timeline.take_computed())
            if not isinstance(found, int):
                return found
        return await self._searched(step, patience)

    async def _searched(self, step: int, patience: float | None) -> StepRecord:
        search = self._search
        if search is None or search[0] != step or search[1].done():
            self.cancel()
            search = self._search = (step, asyncio.create_task(self._find(step)))
            search[1].add_done_callback(self._ended)
        try:
            while not (await asyncio.wait({search[1]}, timeout=patience))[0]:
                if self._is_far or not self._insists:
                    raise Busy(self.reached, step)
            if search[1].cancelled():
                raise Cancelled
            return search[1].result()
        finally:
            del search  # its failure leads here, and from here to it: a circle would keep the run

    def cancel(self) -> None:
        if self._search and not self._search[1].done():
            self._search[1].cancel()

    async def close(self) -> None:
        self.cancel()
        if self._search:
            await asyncio.wait({self._search[1]})

    def _ended(self, task: asyncio.Task[StepRecord]) -> None:
        if self._search and self._search[1] is task:
            self._search = None
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is warned about one that nobody awaits

    def is_near(self, steps: int) -> bool:
        """Tell whether so many steps take about a second at most."""
        return steps * SLICE_SECONDS <= self._slice

    async def _find(self, step: int) -> StepRecord:
        told = time.monotonic()
        message = {"type": "progress", "target": step}
        announced, self.reached, self._is_far = False, 0, False
        try:
            while isinstance(found := await self._one_slice(step), int):
                self._is_far = True
                now, self.reached = time.monotonic(), step - found
                if now - told > _PROGRESS_SECONDS:
                    told, announced = now, True
                    self._tell({**message, "step": self.reached, "done": False})
            self.reached = step
            return found
        finally:
            if announced:
                self._tell({**message, "step": self.reached, "done": True})

    async def _one_slice(self, step: int) -> int | StepRecord:
        """Compute for about SLICE_SECONDS; return how many steps remain, or its record."""
        async with self._lock:
            found = await self._workers.compute(self._compute_slice, step)
        self._count(self._timeline.take_computed())
        return found

    def _compute_slice(self, step: int) -> int | StepRecord:
        started = time.monotonic()
        remaining = self._timeline.advance(step, self._slice)
        took = time.monotonic() - started
        if took < SLICE_SECONDS / 2:
            self._slice = min(self._slice * 2, 1 << 16)
        elif took > SLICE_SECONDS * 2:
            self._slice = max(self._slice // 2, 1)
        # At once, in the same thread: to change threads costs more than a small network's step.
        return remaining or self._timeline.record(step)
