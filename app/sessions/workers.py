"""The threads that compute: they never hold the event loop."""

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
    """`compute` runs a call in a thread."""

    def __init__(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._computing = ThreadPoolExecutor(_COMPUTING_THREADS, "compute")

    async def compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._computing, lambda: call(*args, **kwargs))

    def close(self) -> None:
        self._computing.shutdown()
