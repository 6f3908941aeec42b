"""A client that floods its socket: it is cut off, and costs the others nothing meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.frames import Close, Frame, Opcode

from app import sockets, unread
from app.limits import Limits, most_of
from app.metrics import Metrics
from app.sessions.sessions import Sessions
from app.sockets import protocol
from app.web.socket import Connection
from app.web.stopping import Stopping, _Socket
from tests.nets import SMALL
from tests.unit.web.test_handshakes import KEY, LIVE, UPGRADE, VERSION
from tests.unit.web.test_uploads import Server

BURST = 50
EMPTY, DISCONNECT = b"", "websocket.disconnect"
Kinds = list[tuple[Opcode, bool]]
FLOODS: dict[str, Kinds] = {
    "messages": [(Opcode.TEXT, True)],
    "bytes": [(Opcode.BINARY, True)],
    "pings": [(Opcode.PING, True)],
    "pongs": [(Opcode.PONG, True)],
    "parts of a message": [(Opcode.TEXT, False), (Opcode.CONT, False)],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    few = {"RETRACE_FRAME_BURST": str(BURST), "RETRACE_FRAMES_PER_SECOND": "1"}
    found = Server(tmp_path_factory.mktemp("data"), **few)
    yield found
    found.stop()


@pytest.mark.parametrize("flood", FLOODS)
def test_who_floods_a_socket_is_cut_off_and_told_the_setting(server: Server, flood: str) -> None:
    first, *more = FLOODS[flood]
    frames = [first, *(more or [first]) * (10 * BURST)]
    with server.dial(LIVE, *UPGRADE, KEY, VERSION) as line:
        assert b"101 Switching" in line.recv(65_536)
        line.sendall(b"".join(Frame(kind, EMPTY, fin).serialize(mask=True) for kind, fin in frames))
        said = _all_of(line)
    code = struct.pack(">H", 1008)
    most = (
        f"{BURST} frames at once (RETRACE_FRAME_BURST) and 1 a second (RETRACE_FRAMES_PER_SECOND)"
    )
    assert code + f"more than {most}".encode() in said
    assert server.answers()


@pytest.mark.parametrize("size", [0, 10_240])
def test_a_long_message_counts_for_each_kilobyte(server: Server, size: int) -> None:
    frame = Frame(Opcode.TEXT, b"x" * size).serialize(mask=True)
    goodbye = Frame(Opcode.CLOSE, struct.pack(">H", 1000)).serialize(mask=True)
    with server.dial(LIVE, *UPGRADE, KEY, VERSION) as line:
        assert b"101 Switching" in line.recv(65_536)
        line.sendall(frame * 5 + goodbye)
        said = _all_of(line)
    assert (b"frames at once" in said) == (size > 0)


def test_the_reason_to_cut_a_flood_fits_a_farewell_whatever_is_set() -> None:
    most = most_of("frame_burst")
    reason = sockets._too_many(Limits(frame_burst=most, frames_per_second=most))
    Close(1008, reason).check()
    assert len(Close(1008, reason).serialize()) <= 125  # RFC 6455, 5.5


def _all_of(line: socket.socket) -> bytes:
    said = b""
    try:
        while part := line.recv(65_536):
            said += part
    except ConnectionResetError:  # it was sent more than it wanted to read
        pass
    return said


class Unread(asyncio.Transport):
    """A connection whose other end reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.aborted = b"", asyncio.Event()

    def write(self, data: Any) -> None:
        self.written += data

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None:
        self.aborted.set()

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def is_closing(self) -> bool:
        return False


HANDSHAKE = "\r\n".join(
    ("GET / HTTP/1.1", "Host: localhost", *UPGRADE, KEY, VERSION, "", "")
).encode()


async def _never(scope: Any, receive: Any, send: Any) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.get_running_loop().create_future()


async def _opened() -> tuple[Any, Unread]:
    """Return what speaks on a socket that was accepted, and its connection."""
    config = uvicorn.Config(_never, log_config=None, lifespan="off")
    found, line = (
        protocol(Limits(), [], unread.Unread(Limits(unread_bytes=1_000)))(
            config, ServerState(), {}
        ),
        Unread(),
    )
    found.connection_made(line)
    found.data_received(HANDSHAKE)
    found.conn.send_response(found.response)
    found.conn.data_to_send()
    found.handshake_complete = True
    return found, line


def test_only_the_latest_ping_is_answered_once_a_client_reads_again() -> None:
    async def scene() -> list[bytes]:
        found, line = await _opened()
        said = []
        for happens in ("one", "two", found.pause_writing, "three", "four", found.resume_writing):
            line.written = b""
            if callable(happens):
                happens()
            else:
                found.data_received(_ping(happens))
            said.append(line.written)
        for task in found.tasks:
            task.cancel()
        return said

    assert asyncio.run(scene()) == [_pong("one"), _pong("two"), b"", b"", b"", _pong("four")]


def test_who_says_farewell_and_leaves_something_unread_is_cut() -> None:
    async def scene() -> None:
        found, line = await _opened()
        found.close_timeout = 0
        found.data_received(Frame(Opcode.CLOSE, b"").serialize(mask=True))
        await line.aborted.wait()
        for task in found.tasks:
            task.cancel()

    asyncio.run(scene())


def _ping(data: str) -> bytes:
    return Frame(Opcode.PING, data.encode()).serialize(mask=True)


def _pong(data: str) -> bytes:
    return Frame(Opcode.PONG, data.encode()).serialize(mask=False)


def test_a_client_that_is_not_read_is_not_given_up() -> None:
    """Its answer to a ping may lie behind messages that wait for the work on earlier ones."""

    async def scene() -> list[bytes]:
        found, line = await _opened()
        said = []
        for paused in (True, True, False):
            line.written, found.read_paused = b"", paused
            found.keepalive_timeout()
            said.append(line.written)
            assert (found.pong_timer is not None) == paused
        for task in found.tasks:
            task.cancel()
        return said

    *waiting, closed = asyncio.run(scene())
    assert waiting == [b"", b""]
    assert b"keepalive ping timeout" in closed


class Poured:
    """A socket on which messages that are none wait in a row."""

    def __init__(self, count: int) -> None:
        sessions = SimpleNamespace(limits=Limits())
        state = SimpleNamespace(metrics=Metrics(), sessions=sessions, framing=None)
        self.app, self.left = SimpleNamespace(state=state), count

    async def receive(self) -> dict[str, str]:
        self.left -= 1
        return {"type": "websocket.receive", "text": "{"} if self.left else {"type": DISCONNECT}


def test_others_have_their_turn_between_messages_that_wait_in_a_row(tmp_path: Path) -> None:
    async def scene() -> int:
        sessions, turns = Sessions(tmp_path, Limits()), 0
        made = await sessions.create(SMALL)
        async with sessions.use(made.id) as access:
            connection = Connection(Poured(1_000), access)  # type: ignore[arg-type]
            working = asyncio.create_task(connection._read())
            while not working.done():
                await asyncio.sleep(0)
                turns += 1
        await sessions.close()
        return turns

    assert asyncio.run(scene()) > 900


def test_messages_are_read_ahead_of_the_work_but_not_without_end() -> None:
    async def scene() -> list[int]:
        poured: Any = Poured(10_000)
        socket = _Socket(Stopping(), poured.receive, poured.receive)
        reading = asyncio.create_task(socket.read_ahead())
        read = [await _once_it_waits(poured)]
        await socket.receive()
        read.append(await _once_it_waits(poured))
        reading.cancel()
        return read

    before, after = asyncio.run(scene())
    # A whole burst of commands, and no more than a quarter of a megabyte.
    assert 300 < before < 1_000
    assert after == before + 1


async def _once_it_waits(socket: Poured) -> int:
    """Return how many messages were read once no more are."""
    left = -1
    while left != socket.left:
        left = socket.left
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return 10_000 - left
