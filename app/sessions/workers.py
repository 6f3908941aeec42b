"""The threads that compute: they never hold the event loop.

What is large has threads of its own, and so have reads, so that nobody's click waits behind them.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from app.json_text import SMALL
from app.limits import Limits
from app.sessions.ending import to_its_end
from app.sessions.turns import Turns

P = ParamSpec("P")
T = TypeVar("T")
_THREADS = {"small": 4, "large": 2}
_LARGE_WORK = 500_000  # numbers multiplied in one pass: about a millisecond
_SWITCH_SECONDS = 0.001  # how long a computing thread may hold the interpreter; Python's is 0.005
_KEPT_BYTES = 8 << 20


class Lane:
    """Some threads; `compute` runs a call in one of them, in the order in which calls came.

    A thread cannot be stopped: whoever is cancelled waits, since what it uses is nobody else's
    before.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, name)

    async def compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._threads, lambda: call(*args, **kwargs)))

    def close(self) -> None:
        self._threads.shutdown()

    async def read(self, whose: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call as `compute` does, whoever asks for it."""
        return await self.compute(call, *args, **kwargs)


class ReadLane(Lane):
    """Threads for reads; those who read at the same time take turns."""

    def __init__(self, name: str, threads: int, most: float) -> None:
        super().__init__(name, threads)
        self._turns = Turns(threads, most)

    async def read(self, whose: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call in its turn; Refused `too_many_reads` where too many wait for `whose`."""
        async with self._turns.of(whose):
            return await self.compute(call, *args, **kwargs)


class Workers:
    """All lanes; `work` is how many numbers one pass of a run multiplies."""

    def __init__(self, limits: Limits) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        _keep_freed_memory()
        self._lanes = {name: Lane(name, threads) for name, threads in _THREADS.items()}
        self._reads = {
            name: ReadLane(f"read-{name}", limits.reads_at_once, limits.reads_waiting)
            for name in _THREADS
        }
        self._specs = ReadLane("specs", 1, math.inf)  # as many wait as `upload_bytes` lets in

    def for_steps(self, work: int) -> Lane:
        return self._lanes[_size(work)]

    def for_reads(self, work: int) -> ReadLane:
        return self._reads[_size(work)]

    def for_specs(self, length: int) -> Lane:
        """Return where a spec of so many characters is read: large ones come one at a time, since
        each takes many times its length while it is read.
        """
        return self._specs if length > SMALL else self._lanes["small"]

    def close(self) -> None:
        for lane in (*self._lanes.values(), *self._reads.values(), self._specs):
            lane.close()


def _keep_freed_memory() -> None:
    """Have what arrays free stay with the process, for the next ones that are as large.

    The GNU C library learns how much that is from the largest block it has seen freed; else it
    hands every page back and is given it again, which takes as long as to compute with it.
    """
    bytearray(_KEPT_BYTES)


def _size(work: int) -> str:
    return "large" if work > _LARGE_WORK else "small"
