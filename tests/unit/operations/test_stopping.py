"""The server stops in good order: what was answered is kept, whoever is connected is told why."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app.web.stopping import FAREWELL, RESTART, Gate, Stopping
from tests.nets import SMALL
from tests.process import Process

STEP = {"do": "step", "unit": "step", "by": 1}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    found = Process(tmp_path / "data", RETRACE_STOP_SECONDS="1")
    yield found
    found.end()


def _create(server: Process) -> str:
    return str(httpx.post(f"{server.url}/api/sessions", json=SMALL).json()["id"])


def _live(server: Process, key: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/api/sessions/{key}/live")


def _read_to_the_end(live: ClientConnection) -> list[Any]:
    found: list[Any] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            message = live.recv()
            found += [json.loads(message)] if isinstance(message, str) else []
    return found


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_socket_is_told_why_and_what_was_answered_is_kept(
    server: Process, tmp_path: Path, by: signal.Signals
) -> None:
    key = _create(server)
    with _live(server, key) as live:
        for number in range(20):
            live.send(json.dumps({**STEP, "id": str(number)}))
        live.recv()
        server.process.send_signal(by)
        answered = [m["cursor"]["step"] for m in _read_to_the_end(live) if m["type"] == "reply"]
        assert (live.close_code, live.close_reason) == (RESTART, FAREWELL)
    assert server.process.wait() == 0
    again = Process(tmp_path / "data")
    kept = httpx.get(f"{again.url}/api/sessions/{key}").json()["cursor"]["step"]
    again.stop()
    assert kept >= max(answered, default=0)


def test_a_run_that_plays_is_kept_where_it_stood(server: Process, tmp_path: Path) -> None:
    key = _create(server)
    with _live(server, key) as live:
        live.send(json.dumps({"do": "play", "unit": "step", "per_second": 0, "id": "play"}))
        while "reply" not in str(live.recv()):
            pass
        while httpx.get(f"{server.url}/api/sessions/{key}").json()["cursor"]["step"] == 0:
            pass
        before = httpx.get(f"{server.url}/api/sessions/{key}").json()["cursor"]["step"]
        assert server.stop() == 0
    again = Process(tmp_path / "data")
    kept = httpx.get(f"{again.url}/api/sessions/{key}").json()["cursor"]["step"]
    again.stop()
    assert kept >= before > 0


def test_half_an_upload_does_not_hold_the_stop(server: Process) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as upload:
        upload.sendall(
            b"POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
        )
        httpx.get(f"{server.url}/healthz")  # the head of the upload was read before this one
        assert server.stop() == 0
    assert _events(server)[-1] == "stopped"


def test_a_client_that_reads_nothing_does_not_keep_sessions_from_being_saved(
    server: Process, tmp_path: Path
) -> None:
    key = _create(server)
    hanging = socket.create_connection(("127.0.0.1", server.port))
    hanging.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    head = f"GET /api/sessions/{key}/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    key_line = "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    hanging.sendall(f"{head}{key_line}Sec-WebSocket-Version: 13\r\n\r\n".encode())
    hanging.recv(1)
    command = f"{server.url}/api/sessions/{key}/commands"
    for _ in range(30):
        at = httpx.post(command, json=STEP).json()["cursor"]["step"]
    assert server.stop() == 0
    hanging.close()
    again = Process(tmp_path / "data")
    assert httpx.get(f"{again.url}/api/sessions/{key}").json()["cursor"]["step"] == at
    again.stop()


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    server = Process(tmp_path / "data", RETRACE_STOP_SECONDS="3000")
    with socket.create_connection(("127.0.0.1", server.port)) as upload:
        upload.sendall(
            b"POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
        )
        httpx.get(f"{server.url}/healthz")
        server.process.send_signal(signal.SIGTERM)
        while "stopping" not in _events(server):
            pass
        assert server.stop(signal.SIGTERM) == 128 + signal.SIGTERM


def _events(server: Process) -> list[str]:
    return [json.loads(line)["event"] for line in server.written.read_text("utf-8").splitlines()]


class Wire:
    """What a server hands to an ASGI application: messages in, and those that came out."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for message in messages:
            self.coming.put_nowait(message)
        self.sent: list[Any] = []

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.coming.put_nowait({"type": "websocket.disconnect", "code": message["code"]})


COMMAND = {"type": "websocket.receive", "text": "one"}


def test_a_command_under_way_is_done_and_one_that_waits_is_not() -> None:
    async def scenario() -> None:
        stopping, wire, may_finish = Stopping(), Wire(COMMAND, COMMAND), asyncio.Event()
        begun: list[str] = []
        done: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                begun.append(message["text"])
                await may_finish.wait()
                done.append(message["text"])
                await send({"type": "websocket.send", "text": "reply"})
            await send({"type": "websocket.send", "text": "too late"})

        socket_task = asyncio.create_task(
            Gate(app, stopping)({"type": "websocket"}, wire.coming.get, wire.send)
        )
        while not begun or wire.coming.qsize():  # both are read, and one is begun
            await asyncio.sleep(0)
        ending = asyncio.create_task(stopping.begin(60, last_words=0))
        for _ in range(20):  # turns of the loop: were nobody waited for, it would be over by now
            await asyncio.sleep(0)
        assert (stopping.sockets, len(wire.sent)) == (1, 1)
        may_finish.set()
        await asyncio.gather(socket_task, ending)
        assert done == ["one"]
        farewell = {"type": "websocket.close", "code": RESTART, "reason": FAREWELL}
        assert [m.get("text") or m for m in wire.sent[1:]] == ["reply", farewell]
        assert stopping.sockets == 0

    asyncio.run(scenario())


def test_whoever_comes_late_is_refused_and_the_operator_is_not() -> None:
    async def scenario() -> None:
        stopping, reached = Stopping(), []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            reached.append(scope["path"])

        await stopping.begin(0)
        gate, late, asking = Gate(app, stopping), Wire(), Wire()
        await gate({"type": "http", "path": "/api/presets"}, late.coming.get, late.send)
        assert late.sent[0]["status"] == 503
        assert (b"connection", b"close") in late.sent[0]["headers"]
        assert json.loads(late.sent[1]["body"])["error"]["code"] == "stopping"
        await gate({"type": "http", "path": "/readyz"}, asking.coming.get, asking.send)
        await gate({"type": "websocket", "path": "/live"}, late.coming.get, late.send)
        assert late.sent[-1] == {"type": "websocket.close", "code": RESTART, "reason": FAREWELL}
        assert reached == ["/readyz"]

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_is_left_behind() -> None:
    async def scenario() -> None:
        stopping, wire = Stopping(), Wire()

        async def stuck(message: Any) -> None:
            if message["type"] == "websocket.close":
                await asyncio.Event().wait()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            await receive()

        gate = Gate(app, stopping)({"type": "websocket"}, wire.coming.get, stuck)
        task = asyncio.create_task(gate)
        while not stopping.sockets:
            await asyncio.sleep(0)
        await stopping.begin(0)
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})
        assert stopping.sockets == 0

    asyncio.run(scenario())


def test_a_client_that_vanishes_during_the_stop_is_no_error() -> None:
    async def scenario() -> list[Any]:
        stopping, wire, unhandled = Stopping(), Wire(), list[Any]()
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unhandled.append(told))

        async def gone(message: Any) -> None:
            if message["type"] == "websocket.close":
                raise ConnectionResetError("the client is gone")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            await receive()

        gate = Gate(app, stopping)({"type": "websocket"}, wire.coming.get, gone)
        task = asyncio.create_task(gate)
        while not stopping.sockets:
            await asyncio.sleep(0)
        await stopping.begin(60, last_words=0)
        wire.coming.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await task
        gc.collect()
        return unhandled

    assert asyncio.run(scenario()) == []


@pytest.mark.parametrize("stops", [True, False])
def test_what_outlasts_the_stop_is_refused_and_no_error(stops: bool) -> None:
    async def scene() -> list[Any]:
        stopping, sent, reached = Stopping(), [], asyncio.Event()

        async def upload(*_: Any) -> None:
            reached.set()
            await asyncio.get_running_loop().create_future()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/sessions"}
        asked = asyncio.create_task(Gate(upload, stopping)(scope, send, send))  # type: ignore[arg-type]
        await reached.wait()
        if stops:
            await stopping.begin(0, last_words=0)
        asked.cancel()
        await asyncio.wait({asked})
        assert asked.cancelled() is not stops
        return sent

    sent = asyncio.run(scene())
    assert [message["status"] for message in sent if "status" in message] == [503] * stops
