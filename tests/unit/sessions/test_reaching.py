"""Reaching a step: at once where it is near, patiently where others compute, busily where it is far."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from app.limits import Limits
from app.sessions.reaching import Busy, Reaching
from app.sessions.workers import Workers
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from tests.nets import SMALL


def reach(scene: Any, **how: Any) -> Any:
    """Run a scene with a search of a new run, and with threads of which none is free."""

    async def begin() -> Any:
        timeline, workers, may_end = (
            Timeline(parse_spec(SMALL)),
            Workers(Limits()),
            threading.Event(),
        )
        lane = workers.for_steps(timeline.work)
        held = [asyncio.ensure_future(lane.compute(may_end.wait, 60)) for _ in range(8)]
        await asyncio.sleep(0)
        found = Reaching(timeline, lane, asyncio.Lock(), lambda _: None, lambda _: None, **how)
        try:
            return await scene(found, may_end)
        finally:
            may_end.set()
            await found.close()
            await asyncio.gather(*held)
            workers.close()

    return asyncio.run(begin())


def test_the_next_step_of_a_small_network_waits_for_no_thread() -> None:
    async def scene(reaching: Reaching, _: threading.Event) -> list[int]:
        return [(await reaching.record(step, 0)).step for step in (0, 1, 2, 1, 0)]

    assert reach(scene) == [0, 1, 2, 1, 0]


def test_what_waits_for_a_thread_is_busy_only_where_it_may_be_asked_again() -> None:
    async def scene(reaching: Reaching, may_end: threading.Event) -> int:
        asking = asyncio.create_task(reaching.record(30, 0.001))
        await asyncio.wait({asking}, timeout=0.1)
        may_end.set()
        return (await asking).step

    assert reach(scene, insists=True) == 30
    with pytest.raises(Busy):
        reach(scene)


def test_what_is_far_is_busy_as_soon_as_it_is_under_way() -> None:
    async def scene(reaching: Reaching, may_end: threading.Event) -> None:
        may_end.set()
        await reaching.record(900_000, 0.001)

    with pytest.raises(Busy, match="of 900,000"):
        reach(scene, insists=True)
