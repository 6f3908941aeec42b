"""Whoever asks, gives up or edits at the same time: one thread at a time uses a timeline."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from app.limits import Limits
from app.refusal import Refused
from app.sessions.asking import Asked
from app.sessions.reaching import Busy, Cancelled
from app.sessions.session import Session
from app.sessions.sessions import Sessions
from app.timeline.timeline import Timeline
from tests.nets import SMALL

_USES = (
    "advance",
    "record",
    "change",
    "undo",
    "put_back",
    "trail",
    "history",
    "saving",
    "note_stored",
)
_FAR = 6_000
_ASKED = 150
Ask = Callable[[Session, random.Random], Coroutine[Any, Any, Any]]
ASKS: tuple[Ask, ...] = (
    lambda session, rng: session.move("step", rng.choice([-1, 1, 2]), 0.01, Asked()),
    lambda session, rng: session.seek(rng.randrange(40), 0, 0.01, Asked()),
    lambda session, rng: session.seek(rng.randrange(_FAR), 0, 0.01, Asked()),
    lambda session, rng: session.change({"learning_rate": rng.uniform(0.001, 0.02)}, Asked()),
    lambda session, rng: session.undo(Asked()),
    lambda session, rng: session.reads.record(rng.randrange(40), 0.01),
    lambda session, rng: session.reads.record(rng.randrange(_FAR), 0.01),
    lambda session, rng: session.reads.trail(rng.randrange(40)),
    lambda session, rng: session.reads.history(),
)


class Guard:
    """Counts the uses of timelines, and those that came while another thread used one."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.used, self.at_once = set[str](), 0
        self._held: dict[int, threading.RLock] = defaultdict(threading.RLock)
        for name in _USES:
            patch.setattr(Timeline, name, self._guarded(getattr(Timeline, name)))

    def _guarded(self, use: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any) -> Any:
            self.used.add(f"{use.__name__} in {threading.current_thread().name.split('_')[0]}")
            held = self._held[id(args[0])]
            if not held.acquire(blocking=False):
                self.at_once += 1
                return use(*args)
            try:
                return use(*args)
            finally:
                held.release()

        return guarded


async def _ask(session: Session, rng: random.Random) -> None:
    """Ask for something; give up, perhaps and perhaps twice, some turns of the loop later."""
    task = asyncio.ensure_future(rng.choice(ASKS)(session, rng))
    for _ in range(rng.choice([0, 0, 1, 2])):
        for _ in range(rng.randrange(6)):
            await asyncio.sleep(0)
        task.cancel()
    with contextlib.suppress(Refused, Busy, Cancelled, asyncio.CancelledError):
        await task


@pytest.mark.parametrize("seed", range(4))
def test_one_thread_at_a_time_uses_a_timeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)

    async def main() -> Guard:
        sessions = Sessions(tmp_path, Limits(max_steps=_FAR))
        key = (await sessions.create(SMALL)).id
        async with sessions.use(key) as access:
            session = access.session
            guard = Guard(monkeypatch)
            for _ in range(_ASKED // 5):
                await asyncio.gather(*(_ask(session, rng) for _ in range(5)))
            step = session.to_json()["cursor"]["step"]
            found = await session.reads.record(step, 60)
            edits = [edit.to_json() for edit in session.edits]
            fresh = Timeline(session.timeline.spec, edits)
            assert found.new_parameters.tobytes() == fresh.record(step).new_parameters.tobytes()
        await sessions.close()
        return guard

    guard = asyncio.run(main())
    assert guard.at_once == 0
    assert {"record in MainThread", "record in small"} <= guard.used
