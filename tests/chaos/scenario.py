"""One scenario: a list of commands through a faulty wire, a second viewer beside, one end state."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.live import Live
from tests.chaos.model import State, after, digest_of, final_of, reply_of, told_by
from tests.chaos.proxy import Proxy
from tests.chaos.runs import make_spec, next_command
from tests.chaos.viewer import Heard, Viewer, Writer

Json = dict[str, Any]
COMMANDS = 24
_SECONDS = 60


@dataclass(frozen=True)
class Task:
    """A run and the commands for it; `replies` and `end` are what the model makes of them."""

    spec: Json
    commands: list[Json]
    replies: dict[str, Json] = field(repr=False)
    end: State


def make_task(seed: int) -> Task:
    rng, spec = random.Random(seed), make_spec(seed)
    state, commands, replies = State(json.dumps(spec)), [], {}
    while len(commands) < COMMANDS:
        command = next_command(rng, state.cursor.step)
        outcome = after(state, command)
        if not outcome.refused:  # a refusal is not kept, so given late it may be another one
            command["id"] = f"{seed}-{len(commands)}"
            commands.append(command)
            replies[command["id"]] = outcome.reply
            state = outcome.state
    return Task(spec, commands, replies, state)


async def scenario(server: str, task: Task, seed: int, faulty: int) -> tuple[str, Counter[str]]:
    """Return the hash of the end state, and what was met on the way; raise where they differ."""
    async with asyncio.timeout(_SECONDS), Proxy(server, seed, faulty) as proxy:
        async with httpx.AsyncClient(base_url=f"http://{server}") as http:
            session = (await http.post("/api/sessions", json=task.spec)).json()["id"]
            writer = Writer(proxy.address, session, seed, task.commands)
            watcher = Viewer(proxy.address, session, seed + 1, len(task.commands))
            async with asyncio.TaskGroup() as group:
                group.create_task(writer.run())
                group.create_task(watcher.run())
            told = told_by((await http.get(f"/api/sessions/{session}")).json())
        _compare_answers(writer, task)
        truth, frame = await _truth(server, session, told)
        _compare_order(truth, task, writer.heard, watcher.heard)
    return final_of(told, digest_of(frame)), writer.heard.counts + watcher.heard.counts + proxy.seen


def _compare_answers(writer: Writer, task: Task) -> None:
    """Each command has the answer that it must have, however often it was sent."""
    found = {identity: reply_of(answer) for identity, answer in writer.answers.items()}
    assert found == task.replies


async def _truth(server: str, session: str, told: Json) -> tuple[list[Json], bytes]:
    """Return all changes as the server has them, and the frame where it stands."""
    live = await Live.open(server, session, 0)
    assert live.greeting["type"] == "resumed"
    cursor = told["cursor"]
    frame = await live.frame(told["revision"], cursor["step"], cursor["phase"])
    await live.close()
    return live.greeting["changes"], frame


def _compare_order(truth: list[Json], task: Task, *viewers: Heard) -> None:
    """Each command was done once, in order; and every viewer saw that, in the same words."""
    assert [change["id"] for change in truth] == [command["id"] for command in task.commands]
    assert [change["offset"] for change in truth] == list(range(1, len(truth) + 1))
    for heard in viewers:
        agreed = [change for change in truth if heard.bodies.get(change["offset"]) == change]
        assert len(agreed) == len(heard.bodies)
        assert heard.counts["hello"] or agreed == truth
        heard.counts["changes agreed"] += len(agreed)
