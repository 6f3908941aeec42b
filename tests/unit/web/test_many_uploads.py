"""Many uploads at once: together they take no more memory than they may, and small ones pass."""

from __future__ import annotations

import asyncio
import contextlib
import json
import selectors
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import ClientDisconnect

from app.limits import Limits
from app.metrics import Metrics
from app.refusal import Refused
from app.settings import Settings
from app.web.guard import Guard
from app.web.uploads import Uploads
from tests.clients import client_of
from tests.nets import SMALL
from tests.unit.web.test_uploads import Server, answer_of, status_of

SIZE, MOST, TRIES = 900_000, 2_000_000, 500


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path / "data", RETRACE_UPLOAD_BYTES=str(MOST))
    yield found
    assert found.stop() == 0


def _upload(server: Server, size: int) -> int:
    """Send a spec of this many bytes; return the answer's status."""
    spec = json.dumps(SMALL).encode()
    with server.dial("POST /api/sessions", f"Content-Length: {size}", "Connection: close") as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(spec + b" " * (size - len(spec)))
        return status_of(answer_of(line))


def _refused(lines: list[socket.socket], count: int) -> list[socket.socket]:
    """Wait until so many are answered that were not sent to their ends."""
    with selectors.DefaultSelector() as answered:
        for line in lines:
            answered.register(line, selectors.EVENT_READ)
        found: list[socket.socket] = []
        while len(found) < count:
            ready = answered.select(timeout=20)
            assert ready, "nobody is refused"
            found += [
                cast(socket.socket, answered.unregister(key.fileobj).fileobj) for key, _ in ready
            ]
    return found


def test_what_is_too_much_beside_the_others_is_refused_until_they_are_done(server: Server) -> None:
    with contextlib.ExitStack() as unfinished:
        lines = []
        for _ in range(4):
            line = server.dial("POST /api/sessions", f"Content-Length: {SIZE + 1}")
            lines.append(unfinished.enter_context(line))
            with contextlib.suppress(ConnectionError):
                line.sendall(b" " * SIZE)
        answer = answer_of(_refused(lines, 4 - MOST // SIZE)[0])
        head, body = answer.split(b"\r\n\r\n", 1)
        assert status_of(head) == 503
        assert b"retry-after: " in head.lower()
        assert b"connection: close" in head.lower()
        error = json.loads(body)["error"]
        assert (error["code"], error["field"]) == ("too_many_uploads", "body")
        assert "RETRACE_UPLOAD_BYTES" in error["message"]
        assert server.post(SMALL)["id"]
    tries = (_upload(server, MOST) for _ in range(TRIES))
    assert 201 in tries  # those that were broken off count no longer


def test_one_alone_may_be_as_large_as_a_body_may(data_dir: Path) -> None:
    limits = Limits(upload_bytes=100_000)
    with client_of(Settings(data_dir=data_dir, limits=limits)) as client:
        for _ in range(2):
            spec = json.dumps(SMALL) + " " * 1_000_000
            assert client.post("/api/sessions", content=spec).status_code == 201


def test_a_body_counts_once_however_it_comes() -> None:
    found = Uploads(Limits(upload_bytes=200_000))
    one = 0
    for size in (10_000, 65_536, 100_000, 150_000):
        one = found.grown(one, size)
    assert one == 150_000
    assert found.grown(0, 65_536) == 0
    with pytest.raises(Refused):
        found.grown(0, 65_537)
    found.ended(one)
    assert found.grown(found.grown(0, 100_000), 200_000) == 200_000


async def _answers(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200})
    await asyncio.Event().wait()  # its client does not read, say


async def _fails(send: Any) -> None:
    raise LookupError


async def _is_left(send: Any) -> None:
    raise ClientDisconnect


async def _is_cancelled(send: Any) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("ends", [_answers, _fails, _is_left, _is_cancelled])
def test_a_body_counts_until_it_is_answered_or_left(ends: Any) -> None:
    counted = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        counted.append(guard._uploads._held)
        await ends(send)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b" " * SIZE}

    async def send(message: Any) -> None: ...

    async def scene() -> None:
        answering = asyncio.create_task(guard(_scope(), receive, send))
        for _ in range(5):
            await asyncio.sleep(0)
        counted.append(guard._uploads._held)
        answering.cancel()

    guard = Guard(app, Settings())
    asyncio.run(scene())
    assert counted == [SIZE, 0]


def _scope() -> dict[str, Any]:
    app = SimpleNamespace(state=SimpleNamespace(metrics=Metrics()))
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}
    return {**scope, "app": app, "scheme": "http", "query_string": b""}
