"""What comes around bodies, trailers and requests in a row: it is bounded, and cuts nobody honest."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.nets import SMALL
from tests.unit.web.test_uploads import MOST_TAKEN, Server, answer_of, needs_proc, pour, status_of

CHUNKED = "Transfer-Encoding: chunked"


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
