"""A disk that is full or may not be written: nothing moves, reading goes on, and it heals."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.sessions.schema import FILE
from app.timeline.phases import Cursor
from tests.chaos.process import ROOT, Server
from tests.chaos.read_only import WAYS
from tests.chaos.visit import PLAY, SPEC, Visit, no_room, visit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
_SECONDS = 60  # for playing to stop, or for what was played to be stored


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


def test_what_a_disk_that_filled_kept_from_being_stored_is_stored_once_there_is_room(
    tmp_path: Path,
) -> None:
    async def story(server: Server, seen: Visit) -> None:
        await seen.live.send({**PLAY, "id": "play"})
        await seen.live.message(type="playing")
        with no_room(server):
            await _stops_playing(seen)
            await seen.refuses({"do": "pause", "id": "pause"})
            await seen.refuses({**PLAY, "id": "again"})
            await seen.stands()
        async with asyncio.timeout(_SECONDS):
            while _stored_cursor(server) != seen.state.cursor:  # which nobody asks for
                await asyncio.sleep(0)
        server.kill()
        await server.ended()
        await again(server, seen)
        await seen.stands()
        await seen.heals()

    visit(tmp_path, story)


async def _stops_playing(seen: Visit) -> None:
    """Wait until both viewers are told why, and take over where that is: further on."""
    async with asyncio.timeout(_SECONDS):
        told = [
            await live.message(type="playing", playing=None) for live in (seen.live, seen.other)
        ]
    assert {message["reason"] for message in told} == {"not stored"}
    cursor = Cursor(**(await seen.http.get(seen.url)).json()["cursor"])
    assert cursor.step > seen.state.cursor.step
    seen.state = replace(seen.state, cursor=cursor)


def _stored_cursor(server: Server) -> Cursor:
    """Return what the store's file says, past the server."""
    with closing(sqlite3.connect(f"file:{server.folder / FILE}?mode=ro", uri=True)) as db:
        return Cursor(*db.execute("SELECT step, phase FROM session").fetchone())


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
