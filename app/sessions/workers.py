"""The threads that compute and the thread that stores: neither ever holds the event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_COMPUTING_THREADS = 4
_SWITCH_SECONDS = 0.001  # how long a computing thread may hold the interpreter; Python's is 0.005


class Workers:
    """`compute` and `store` run a call in a thread; store calls run one at a time, in order."""

    def __init__(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._computing = ThreadPoolExecutor(_COMPUTING_THREADS, "compute")
        self._storing = ThreadPoolExecutor(1, "store")

    async def compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run(self._computing, lambda: call(*args, **kwargs))

    async def store(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run(self._storing, lambda: call(*args, **kwargs))

    def close(self) -> None:
        self._computing.shutdown()
        self._storing.shutdown()

    async def _run(self, pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, call)
