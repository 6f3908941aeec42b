"""Starts servers that can be told to die at a named point; `process.py` talks to it.

`python -m tests.chaos.server` imports the application once, then forks a server for every line that
it reads, so that a hundred starts do not cost a hundred imports. A line is a start as JSON:
{"settings": {...}, "failpoint": [name, n] or null, "read_only": a way of `read_only.py` or null}; the
answers are the server's process id and, when it has ended, how. It starts as `python -m app` does. The
product knows nothing of this: what dies here is wrapped from outside.
"""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.__main__ import main as serve_as_told
from app.sessions.session import Session
from app.sessions.writer import Writer, _Waiting
from app.timeline import checkpoints
from tests.chaos.read_only import WAYS

_PR_SET_PDEATHSIG = 1
_ROUNDS = 50  # of the event loop: an answer is in its socket after a handful, over HTTP too
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Serve one start after the other, until the standard input ends."""
    _die_with_parent()
    for line in sys.stdin:
        start = json.loads(line)
        child = os.fork()
        if child == 0:
            sys.exit(_serve(**start))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _serve(settings: dict[str, str], failpoint: list[Any] | None, read_only: str | None) -> int:
    """Do what `python -m app` does, in this process, until it ends or dies."""
    _die_with_parent()
    # A checkpoint every few steps: the clients do not go far.
    checkpoints._BUDGET_OF_WORK = 100.0
    if read_only:
        WAYS[read_only](Path(settings["RETRACE_DATA_DIR"]))
    if failpoint:
        arm(*failpoint)
    os.environ.update(settings)
    sys.argv = ["retrace"]
    return serve_as_told()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(call: Callable[..., Any], due: Callable[[], bool]) -> Callable[..., Any]:
    def wrapped(*given: Any) -> Any:
        if due():
            _die()
        return call(*given)

    return wrapped


def _after(call: Callable[..., Any], due: Callable[[], bool]) -> Callable[..., Any]:
    def wrapped(*given: Any) -> Any:
        result = call(*given)
        if due():
            _die()
        return result

    return wrapped


def _before_commit(commit: Callable[..., Any], due: Callable[[], bool]) -> Callable[..., Any]:
    """As `_before`; but what was answered too early reaches its client, who finds it untrue."""
    loops: set[asyncio.AbstractEventLoop] = set()
    Writer.put = _noting(Writer.put, loops)  # type: ignore[method-assign]

    def wrapped(writer: Writer) -> None:
        if due():
            for loop in loops:
                _go_round(loop)
            _die()
        commit(writer)

    return wrapped


def _noting(
    put: Callable[..., Awaitable[None]], loops: set[asyncio.AbstractEventLoop]
) -> Callable[..., Awaitable[None]]:
    """Note in which event loops somebody waits for the writer."""

    async def noted(*given: Any, **named: Any) -> None:
        loops.add(asyncio.get_running_loop())
        await put(*given, **named)

    return noted


def _go_round(loop: asyncio.AbstractEventLoop) -> None:
    """Let another thread's loop do all that it was told so far, and what that leads to."""
    for _ in range(_ROUNDS):
        gone_round = threading.Event()
        loop.call_soon_threadsafe(gone_round.set)
        gone_round.wait(5)  # at most: a loop that hangs does not keep this process


# Where a server can die: the call that is wrapped, and on which side of it.
FAILPOINTS: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "before commit": (Writer, "_commit", _before_commit),
    "after commit": (Writer, "_commit", _after),
    "before answers": (Writer, "_answer", _before),
    "amid answers": (_Waiting, "settle", _before),
    "before telling": (Session, "_stand", _before),
}


def arm(name: str, nth: int) -> None:
    """Let this process kill itself when it comes to the named point for the n-th time."""
    owner, method, side = FAILPOINTS[name]
    count = itertools.count(1)
    setattr(owner, method, side(getattr(owner, method), lambda: next(count) == nth))


def _die_with_parent() -> None:
    """Leave no server behind where the tests are killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
