"""A session that is visited while its server's disk fails: all that it shows must stand."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.sessions.schema import FILE
from tests.chaos.live import Live
from tests.chaos.model import State, after, told_by
from tests.chaos.process import Server
from tests.chaos.runs import make_spec

Json = dict[str, Any]
SPEC = make_spec(4)
WAY: tuple[Json, ...] = (
    {"do": "seek", "step": 30, "phase": 3},
    {"do": "change", "parameter": "w1.1.1", "value": 0.25},
    {"do": "step", "unit": "step", "by": 5},
)
TRIED: tuple[Json, ...] = (
    {"do": "step", "unit": "phase", "by": 1},
    {"do": "seek", "step": 3},
    {"do": "change", "learning_rate": 0.01},
    {"do": "undo"},
)
PLAY: Json = {"do": "play", "per_second": 100}


class Visit:
    """A session with some history, seen over HTTP and by two viewers."""

    def __init__(self, server: Server, http: httpx.AsyncClient) -> None:
        self._server, self.http = server, http
        self.state = State(json.dumps(SPEC))

    async def begin(self) -> None:
        reply = await self.http.post("/api/sessions", json=SPEC)
        self.url = f"/api/sessions/{reply.json()['id']}"
        await self.watch()
        for command in WAY:
            await self.succeeds(command)

    async def watch(self) -> None:
        identity = self.url.rsplit("/", 1)[1]
        self.live, self.other = [await Live.open(self._server.address, identity) for _ in range(2)]

    async def give(self, command: Json) -> httpx.Response:
        return await self.http.post(f"{self.url}/commands", json=command)

    async def succeeds(self, command: Json) -> None:
        assert (await self.give(command)).status_code == 200
        self.state = after(self.state, command).state
        for live in (self.live, self.other):
            assert (await live.message(type="change"))["offset"] == self.state.offset
        await self.stands()

    async def refused(self) -> None:
        """Try all commands through both doors: none is stored, and nothing has changed."""
        for number, command in enumerate(TRIED):
            reply = await self.give({**command, "id": f"http-{number}"})
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "not_stored")
            assert reply.headers["retry-after"]
            await self.refuses({**command, "id": f"socket-{number}"})
            await self.stands()
        await self.does_not_play()

    async def refuses(self, command: Json) -> None:
        """Give a command over a socket: it cannot be stored."""
        await self.live.send(command)
        answer = await self.live.message(id=command["id"])
        assert (answer["type"], answer["error"]["code"]) == ("error", "not_stored")

    async def does_not_play(self) -> None:
        """Try to play what could not be kept; a pause then has nothing to stop, and is answered."""
        await self.refuses({**PLAY, "id": "play"})
        await self.live.send({"do": "pause", "id": "pause"})
        answer = await self.live.message(id="pause")
        assert (answer["type"], answer["cursor"]) == ("reply", self.state.cursor.to_json())
        await self.stands()

    async def stands(self) -> None:
        """Compare what HTTP and both sockets show with what was answered, and read a step."""
        assert told_by((await self.http.get(self.url)).json()) == self.state.told()
        cursor = self.state.cursor
        for live in (self.live, self.other):
            await live.send({"do": "show", "example": 0, "id": "look"})
            shown = await live.message(id="look")
            assert shown["cursor"] == cursor.to_json()
            await live.frame(self.state.revision, cursor.step, cursor.phase)
        assert (await self.http.get(f"{self.url}/steps/{cursor.step + 7}")).status_code == 200

    async def heals(self) -> None:
        """Send what was refused again, with the same ids: now it is done, and once."""
        for number, command in enumerate(TRIED):
            await self.succeeds({**command, "id": f"http-{number}"})


def visit(folder: Path, story: Callable[[Server, Visit], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Server(folder) as server, httpx.AsyncClient(base_url=server.url) as http:
            await server.start()
            await server.answers()
            seen = Visit(server, http)
            await seen.begin()
            await story(server, seen)

    asyncio.run(run())


@contextmanager
def no_room(server: Server) -> Iterator[None]:
    """Let no file of the server's grow, as on a full disk, until the block ends."""
    log = server.folder / f"{FILE}-wal"
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, before[1]))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
