"""Who waits for whom: large runs for each other, reads in turns, and nobody's click for them."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.limits import Limits
from app.refusal import Refused
from app.sessions import sessions as sessions_module
from app.sessions.sessions import Sessions
from app.sessions.turns import Turns
from app.sessions.workers import Workers

SMALL, LARGE = 1_000, 10_000_000
FEW = Limits(reads_at_once=1, reads_waiting=3)


def meanwhile(begin: Callable[[Workers, Callable[[], Any]], Any]) -> int:
    """Return what a small run computes while what `begin` began ten times is held up."""

    async def scene() -> int:
        workers, may_end = Workers(Limits()), threading.Event()
        held = [asyncio.ensure_future(begin(workers, may_end.wait)) for _ in range(10)]
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(30):
                return await workers.for_steps(SMALL).compute(lambda: 7)
        finally:
            may_end.set()
            await asyncio.gather(*held)
            workers.close()

    return asyncio.run(scene())


@pytest.mark.parametrize(
    "begin",
    [
        lambda workers, call: workers.for_steps(LARGE).compute(call),
        lambda workers, call: workers.for_reads(SMALL).read("one", call),
        lambda workers, call: workers.for_reads(LARGE).read("one", call),
        lambda workers, call: workers.for_specs(LARGE).compute(call),
    ],
    ids=["large steps", "reads", "large reads", "large specs"],
)
def test_a_small_step_waits_for_nothing_large(begin: Any) -> None:
    assert meanwhile(begin) == 7


def asked(turns: Turns, done: list[str], *whose: str) -> list[asyncio.Task[None]]:
    async def ask(who: str) -> None:
        async with turns.of(who):
            done.append(who)
            await asyncio.sleep(0)

    return [asyncio.create_task(ask(who)) for who in whose]


def test_those_who_wait_take_turns() -> None:
    async def scene() -> list[str]:
        done: list[str] = []
        await asyncio.gather(
            *asked(Turns(FEW.reads_at_once, FEW.reads_waiting), done, "a", "a", "a", "b", "b", "c")
        )
        return done

    assert asyncio.run(scene()) == ["a", "a", "b", "c", "a", "b"]


def test_who_goes_away_gives_no_turn_away() -> None:
    async def scene() -> list[str]:
        turns, done = Turns(FEW.reads_at_once, FEW.reads_waiting), list[str]()
        tasks = asked(turns, done, "a", "b", "c", "d")
        async with turns.of("first"):
            await asyncio.sleep(0)
            tasks[1].cancel()  # while it waits
        tasks[0].cancel()  # as its turn has just come
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*asked(turns, done, "e"))
        return done

    assert asyncio.run(scene()) == ["c", "d", "e"]


def test_beyond_so_many_that_wait_a_run_is_refused_and_no_other() -> None:
    async def scene() -> list[str]:
        turns, done = Turns(FEW.reads_at_once, FEW.reads_waiting), list[str]()
        tasks = asked(turns, done, *"aaaaab")
        results = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [result for result in results if isinstance(result, Refused)]
        assert [(one.code, one.retry_after) for one in refused] == [("too_many_reads", 1)]
        assert "RETRACE_READS_WAITING" in str(refused[0])
        return done

    assert asyncio.run(scene()) == ["a", "a", "b", "a", "a"]


def test_whoever_gives_up_however_often_waits_for_the_thread_all_the_same() -> None:
    """Else what the thread uses would be taken for free: a timeline, computed by two at a time."""

    async def scene() -> None:
        workers, begun, may_end = Workers(Limits()), threading.Event(), threading.Event()
        lock = asyncio.Lock()

        def use() -> None:
            begun.set()
            may_end.wait(60)

        async def hold() -> None:
            async with lock:
                await workers.for_steps(SMALL).compute(use)

        holding = asyncio.create_task(hold())
        await asyncio.to_thread(begun.wait, 60)
        for _ in range(3):
            holding.cancel()
            for _ in range(10):
                await asyncio.sleep(0)
            assert lock.locked()
        may_end.set()
        await asyncio.wait({holding})
        assert holding.cancelled()
        assert not lock.locked()
        workers.close()

    asyncio.run(scene())


def test_what_fails_after_it_was_given_up_warns_nobody() -> None:
    async def scene() -> list[Any]:
        workers, begun, may_end = Workers(Limits()), threading.Event(), threading.Event()
        unhandled = list[Any]()
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unhandled.append(told))

        def fail() -> None:
            begun.set()
            may_end.wait(60)
            raise ValueError("too late")

        computing = asyncio.create_task(workers.for_steps(SMALL).compute(fail))
        await asyncio.to_thread(begun.wait, 60)
        computing.cancel()
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.wait({computing})
        assert computing.cancelled()
        workers.close()
        gc.collect()
        return unhandled

    assert asyncio.run(scene()) == []


def test_large_specs_are_read_in_turn_for_each_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []

    def note(given: bytes, _: Limits) -> Any:
        read.append(given[:1])
        raise Refused("invalid", None, None, "another one")

    monkeypatch.setattr(sessions_module, "_timeline_of_new", note)

    async def scene() -> None:
        sessions = Sessions(tmp_path, Limits())
        uploads = [sessions.create(b"%c" % who * 70_000, chr(who)) for who in b"aaaab"]
        await asyncio.gather(*uploads, return_exceptions=True)
        await sessions.close()

    asyncio.run(scene())
    assert b"".join(read) == b"aabaa"
