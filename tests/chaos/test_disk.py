"""A disk that is full or may not be written: nothing moves, reading goes on, and it heals."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sessions.schema import FILE
from tests.chaos.live import Live
from tests.chaos.model import State, after, told_by
from tests.chaos.process import ROOT, Server
from tests.chaos.read_only import WAYS
from tests.chaos.runs import make_spec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
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
            await self.live.send({**command, "id": f"socket-{number}"})
            answer = await self.live.message(id=f"socket-{number}")
            assert (answer["type"], answer["error"]["code"]) == ("error", "not_stored")
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


@contextmanager
def read_only(folder: Path, way: str) -> Iterator[None]:
    """Take the permissions to write away, where that is the way; a mount is the server's own."""
    if way == "mount":
        yield
        return
    places = [folder, *folder.iterdir()]
    for place in places:
        place.chmod(0o555 if place is folder else 0o444)
    yield
    for place in places:
        place.chmod(0o755 if place is folder else 0o644)


async def again(server: Server, seen: Visit, read_only: str | None = None, **settings: str) -> None:
    await server.start(read_only=read_only, **settings)
    await server.answers()
    await seen.watch()


def test_a_full_disk_refuses_commands_and_changes_nothing(tmp_path: Path) -> None:
    async def story(server: Server, seen: Visit) -> None:
        with no_room(server):
            await seen.refused()
            assert (await _readiness(seen))[0] == 503
        assert await _readiness(seen) == (200, None), "before anybody writes"
        await seen.heals()

    visit(tmp_path, story)


def test_what_was_answered_before_the_disk_filled_outlives_a_kill(tmp_path: Path) -> None:
    async def story(server: Server, seen: Visit) -> None:
        with no_room(server):
            await seen.refused()
            server.kill()
            await server.ended()
            await server.start()  # the block's end limits this one
            await server.answers()
        await seen.watch()
        await seen.stands()
        await seen.heals()

    visit(tmp_path, story)


def test_a_used_up_share_of_the_disk_refuses_and_more_of_it_heals(tmp_path: Path) -> None:
    async def story(server: Server, seen: Visit) -> None:
        await server.stop()
        used = (tmp_path / FILE).stat().st_size
        await again(server, seen, RETRACE_DISK_BYTES=str(used + 40_000))
        await seen.stands()
        while (await seen.http.post("/api/sessions", json=SPEC)).status_code == 201:
            continue
        reply = await seen.http.post("/api/sessions", json=SPEC)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "not_stored")
        assert "RETRACE_DISK_BYTES" in reply.json()["error"]["message"]
        await seen.stands()
        await server.stop()
        await again(server, seen)
        await seen.stands()
        await seen.heals()

    visit(tmp_path, story)


def _may_mount(folder: Path) -> bool:
    """Mounting takes root, or a system that lets anybody have mounts of their own."""
    command = [sys.executable, "-m", "tests.chaos.read_only", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("way_out", ["stop", "kill"])
def test_a_read_only_store_is_read_and_refuses_commands(
    tmp_path: Path, way_out: str, way: str
) -> None:
    if way == "mount" and not _may_mount(tmp_path):
        pytest.skip("nothing can be mounted here")

    async def story(server: Server, seen: Visit) -> None:
        await _leave(server, way_out)
        with read_only(server.folder, way):
            await again(server, seen, way)
            assert await _readiness(seen) == (503, "the store is read-only")
            await seen.stands()
            await seen.refused()
            reply = await seen.http.post("/api/sessions", json=SPEC)
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "not_stored")
            assert "the store is read-only" in reply.json()["error"]["message"]
            await _leave(server, way_out)
        await again(server, seen)
        await seen.stands()
        await seen.heals()

    visit(tmp_path / "data", story)


async def _readiness(seen: Visit) -> tuple[int, str | None]:
    answer = await seen.http.get("/readyz")
    return answer.status_code, answer.json().get("reason")


async def _leave(server: Server, way_out: str) -> None:
    if way_out == "stop":
        await server.stop()
    else:
        server.kill()
        await server.ended()
