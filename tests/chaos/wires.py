"""Many scenarios against one server, some at a time: all of them must end alike."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from tests.chaos.process import Server
from tests.chaos.scenario import Task, make_task, scenario

_TASKS = 4
_AT_ONCE = 5


async def converge(folder: Path, seed: int, scenarios: int) -> Counter[str]:
    """Return what the scenarios met; AssertionError where one does not end as without faults."""
    tasks = [make_task(seed + k) for k in range(_TASKS)]
    async with Server(folder) as server:
        await server.start()
        await server.answers()
        straight = [(await scenario(server.address, task, seed, 0))[0] for task in tasks]
        assert straight == [task.end.final() for task in tasks]
        turns = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(
                    _one(server.address, tasks[k % _TASKS], straight[k % _TASKS], seed + k, turns)
                )
                for k in range(scenarios)
            ]
        return sum((task.result() for task in running), Counter[str]())


async def _one(
    server: str, task: Task, straight: str, seed: int, turns: asyncio.Semaphore
) -> Counter[str]:
    faulty = random.Random(seed).randint(3, 9)
    async with turns:
        end, met = await scenario(server, task, seed, faulty)
    assert end == straight, f"scenario {seed} ended otherwise than without faults"
    return met + Counter({"scenarios": 1})
