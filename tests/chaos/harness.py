"""Kills a server again and again, at random instants and at named points, under clients in flow."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import httpx

from tests.chaos.driver import Driver
from tests.chaos.process import Server
from tests.chaos.server import FAILPOINTS

CLIENTS = 6
_SECONDS = 60  # for a server to die at its failpoint, or for the clients to get on


class Flow:
    """Counts answers of all clients, and tells when so many more have come."""

    def __init__(self) -> None:
        self._count, self._came = 0, asyncio.Event()

    def answered(self) -> None:
        self._count += 1
        self._came.set()

    async def more(self, count: int) -> None:
        until = self._count + count
        async with asyncio.timeout(_SECONDS):
            while self._count < until:
                self._came.clear()
                await self._came.wait()


async def chaos(folder: Path, seed: int, random_kills: int, failpoint_kills: int) -> Counter[str]:
    """Return what was seen; a client that finds anything else than it must raises."""
    rng, flow = random.Random(seed), Flow()
    plan: list[str | None] = [None] * random_kills
    plan += islice(cycle(FAILPOINTS), failpoint_kills)
    rng.shuffle(plan)
    async with Server(folder) as server, httpx.AsyncClient(base_url=server.url) as http:
        drivers = [Driver(server.address, http, seed + k, flow.answered) for k in range(CLIENTS)]
        await server.start()
        await server.answers()
        for driver in drivers:
            await driver.create()
        async with asyncio.TaskGroup() as group:
            for driver in drivers:
                group.create_task(driver.run())
            await flow.more(CLIENTS)
            kills = await _kill(server, plan, rng, flow.more)
            await flow.more(10 * CLIENTS)
            for driver in drivers:
                driver.stopping = True
        for driver in drivers:
            await driver.check()
        return sum((driver.counts for driver in drivers), kills)


async def _kill(
    server: Server, plan: list[str | None], rng: random.Random, more: Callable[[int], object]
) -> Counter[str]:
    """Kill the server once for each item of the plan: at a failpoint, or when it comes to us."""
    kills: Counter[str] = Counter()
    server.kill()
    await server.ended()
    for name in plan:
        await server.start((name, rng.randint(3, 25)) if name else None)
        if name is None:
            await more(rng.randint(1, 25))
            await asyncio.sleep(rng.uniform(0, 0.03))
            server.kill()
        assert await server.ended(_SECONDS) == -signal.SIGKILL
        kills[name or "at random"] += 1
    await server.start()
    return kills


def too_little(seen: Counter[str], random_kills: int, failpoint_kills: int) -> list[str]:
    """Return what happened less often than it must for such a run to prove anything."""
    kills, each = random_kills + failpoint_kills, failpoint_kills // len(FAILPOINTS)
    floors = {
        "at random": random_kills,
        **dict.fromkeys(FAILPOINTS, each),
        "answered": 10 * kills,
        "answered over HTTP": kills,
        "connected": kills * CLIENTS // 2,
        "resumed": kills * CLIENTS // 5,
        "frames compared": 10 * kills,
        "unanswered, done": failpoint_kills // 4,
        "unanswered, not done": failpoint_kills // 4,
        "steps read": kills // 4,
        "played": kills // 10,
    }
    return [
        f"{name}: {seen[name]} of {floor}" for name, floor in floors.items() if seen[name] < floor
    ]
