"""Many scenarios against one server, some at a time: all of them must end alike."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from tests.chaos.process import Server
from tests.chaos.proxy import FAULTS
from tests.chaos.scenario import COMMANDS, Task, make_task, scenario

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


def too_little(seen: Counter[str], scenarios: int) -> list[str]:
    """Return what happened less often than it must for such a run to prove anything."""
    floors = {
        "scenarios": scenarios,
        **dict.fromkeys(FAULTS, scenarios // 2),
        "broken": scenarios,
        "resumed": 3 * scenarios,
        "twice": scenarios // 4,
        "over HTTP": scenarios // 2,
        # Of two viewers, each of whom a hello may spare some changes.
        "changes agreed": int(1.8 * COMMANDS * scenarios),
    }
    return [
        f"{name}: {seen[name]} of {floor}" for name, floor in floors.items() if seen[name] < floor
    ]
