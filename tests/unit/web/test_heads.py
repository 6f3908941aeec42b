"""What comes around bodies, trailers and requests in a row: it is bounded, and cuts nobody honest."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.heads import Bounded, protocol
from app.limits import Limits
from app.unread import Unread
from tests.nets import SMALL
from tests.unit.web.test_uploads import MOST_TAKEN, Server, answer_of, needs_proc, pour, status_of

CHUNKED = "Transfer-Encoding: chunked"
GET = b"GET /api/sessions/%04d HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = (
    b'POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\n\r\n{"seed": "a%04d"}'
)
READ = 256_000  # bytes that come at once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("data"))
    yield found
    found.stop()


@needs_proc
@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"2\r\n{}\r\n0\r\n", (b"a: " + b"x" * 4_000 + b"\r\n") * 16),
        (b"2\r\n{}\r\n0\r\na: ", b"x" * 65_536),
        (b"2\r\n{}\r\n0\r\na", b"x" * 65_536),
        (b"2;e=", b"x" * 65_536),
    ],
    ids=["trailers", "a trailer's value", "a trailer's name", "what a chunk is told with"],
)
def test_what_surrounds_a_body_is_cut_and_costs_no_memory(
    server: Server, start: bytes, more: bytes
) -> None:
    with server.measured("trailers"), server.dial("POST /api/sessions", CHUNKED) as line:
        line.sendall(start)
        assert pour(line, more, 30_000_000) <= MOST_TAKEN
        answer = answer_of(line)
    assert status_of(answer) == 400
    assert b"RETRACE_HEAD_BYTES" in answer
    assert server.answers()


@pytest.mark.parametrize(
    ("padding", "size"), [(4_100_000, 65_536), (150_000, 1)], ids=["usual chunks", "of 1 byte"]
)
def test_a_body_in_chunks_is_read(server: Server, padding: int, size: int) -> None:
    body = json.dumps(SMALL).encode() + b" " * padding
    parts = (body[k : k + size] for k in range(0, len(body), size))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    with server.dial("POST /api/sessions", CHUNKED, "Connection: close") as line:
        line.sendall(chunks + b"0\r\nX-Checksum: 1\r\n\r\n")
        assert status_of(answer_of(line)) == 201


def test_a_trailer_is_no_header(server: Server) -> None:
    with server.dial("POST /api/sessions", CHUNKED, "Connection: close") as line:
        line.sendall(b"2\r\n{}\r\n0\r\nOrigin: https://elsewhere.example\r\n\r\n")
        assert status_of(answer_of(line)) == 201


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
@pytest.mark.parametrize("count", [2, 10, 2_000])
def test_requests_in_a_row_are_answered_in_a_row(
    server: Server, request_: bytes, count: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        answers = line.makefile("rb")
        for _ in range(2):  # and then it can send more
            line.sendall(b"".join(request_ % number for number in range(count)))
            assert [_number_in(answers) for _ in range(count)] == list(range(count))


def _number_in(answers: BinaryIO) -> int:
    """Read an answer; return the number of the request that it is about."""
    length = 0
    while (line := answers.readline().lower()) not in (b"\r\n", b""):
        if line.startswith(b"content-length: "):
            length = int(line.split()[1])
    return int(json.loads(answers.read(length))["error"]["value"].removeprefix("a"))


class Line(asyncio.Transport):
    """A connection of which is noted whether it is read, and what is sent on it."""

    def __init__(self) -> None:
        names = dict.fromkeys(("setsockopt", "getsockname", "getpeername"), lambda *_: ("::1", 1))
        super().__init__({"socket": SimpleNamespace(**names)})
        self.is_read, self.sent, self.closed = True, b"", False

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def write(self, data: Any) -> None:
        self.sent += data

    def write_eof(self) -> None:
        pass

    def get_protocol(self) -> asyncio.BaseProtocol:
        return asyncio.Protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Slow:
    """An application that looks for a body, and answers as often as it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Semaphore(0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await self.may_answer.acquire()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def answer(self, count: int) -> None:
        """Answer so many requests more, and let the next one begin."""
        for _ in range(count):
            self.may_answer.release()
        for _ in range(10 * count):
            await asyncio.sleep(0)


def _connected(app: Any) -> tuple[Bounded, Line]:
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    found: Any = protocol(Limits(), [], Unread(Limits(unread_bytes=1_000)))
    made, line = found(config, ServerState(), {}), Line()
    made.connection_made(line)
    return made, line


def test_who_sends_requests_in_a_row_is_read_again_once_all_but_one_are_answered() -> None:
    async def scene() -> list[bool]:
        app = Slow()
        found, line = _connected(app)
        found.data_received(POST % 0 * 5)
        read = [line.is_read]
        for _ in range(5):
            await app.answer(1)
            read.append(line.is_read)
        found.connection_lost(None)
        return read

    assert asyncio.run(scene()) == [False, False, False, False, True, True]


def test_who_sends_requests_in_a_row_is_not_cut() -> None:
    """A read of them is larger than a head may be, and ends within one."""

    async def scene() -> None:
        app = Slow()
        found, line = _connected(app)
        count = READ // len(GET % 0) + 1
        asked = GET % 0 * count
        found.data_received(asked[:READ])
        assert asked[:READ] != asked
        found._late()  # it is not its fault that the rest is not read
        await app.answer(count - 2)
        assert line.is_read
        found.data_received(asked[READ:])
        await app.answer(2)
        assert (line.sent.count(b" 204 "), line.closed) == (count, False)
        found.connection_lost(None)

    asyncio.run(scene())


def test_a_connection_that_is_gone_leaves_nothing_behind() -> None:
    """The collector of circles is made to come rarely: thousands of them would fill the memory."""

    async def scene() -> weakref.ref[Any]:
        app = Slow()
        found, _ = _connected(app)
        found.data_received(GET % 0)
        await app.answer(2)
        found.connection_lost(None)
        return weakref.ref(found)

    gc.disable()
    try:
        left = asyncio.run(scene())
        assert left() is None
    finally:
        gc.enable()


def test_nothing_is_said_amid_an_answer() -> None:
    """The head of the next request is late, but the answer to the last one is still on its way."""

    async def scene() -> None:
        app = Slow()
        found, line = _connected(app)
        found.data_received(GET % 0 + b"GET /api")
        await asyncio.sleep(0)
        found._late()
        assert (line.sent, line.closed) == (b"", False)
        await app.answer(1)
        found._late()
        assert line.sent.index(b" 204 ") < line.sent.index(b" 408 ")
        assert found.transport.is_closing()
        found.connection_lost(None)

    asyncio.run(scene())


def test_who_sends_empty_lines_only_is_not_waited_for_for_ever() -> None:
    async def scene() -> None:
        app = Slow()
        found, line = _connected(app)
        found.data_received(GET % 0)
        await app.answer(1)
        found.data_received(b"\r\n")
        first = found._timer
        assert first
        assert not first.cancelled()
        found.data_received(b"\r\n")
        assert found._timer is first  # nor do more of them make it wait longer
        found._late()
        assert b" 408 " in line.sent
        found.connection_lost(None)

    asyncio.run(scene())
