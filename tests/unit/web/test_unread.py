"""What clients do not read: it takes no more memory than it may, and keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from app.limits import Limits
from app.unread import Unread
from tests.process import Process

MOST = 20_000_000
COUNT = 12
LARGE: dict[str, Any] = {  # frames of 6 MB, steps of 15
    "dataset": {"inputs": [[0.1] * 490], "targets": [[0.5]]},
    "layers": [{"units": 500}, {"units": 1, "activation": "identity"}],
}
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


class Line(asyncio.Transport):
    """A connection with so many bytes unread."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.is_cut = size, False

    def get_write_buffer_size(self) -> int:
        return self.size

    def abort(self) -> None:
        self.is_cut = True


def test_those_that_leave_it_longest_are_cut() -> None:
    unread, lines = Unread(Limits(unread_bytes=100)), [Line(size) for size in (30, 40, 30, 50, 20)]
    for line in lines[:3]:
        unread.paused(line)
    assert not any(line.is_cut for line in lines)
    unread.ended(lines[0])
    unread.paused(lines[3])
    assert [line.is_cut for line in lines] == [False, True, False, False, False]
    unread.paused(lines[4])
    assert [line.is_cut for line in lines] == [False, True, False, False, False]
    unread.paused(Line(101))
    assert [line.is_cut for line in lines] == [False, True, True, True, True]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    found = Process(tmp_path / "data", RETRACE_UNREAD_BYTES=str(MOST))
    yield found
    assert found.stop() == 0


def dial(server: Process, path: str, headers: str = "") -> socket.socket:
    line = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    return line


def taken(line: socket.socket, most: int = 100_000_000) -> int:
    """Read to the end; return how many bytes came."""
    count = 0
    try:
        while count < most and (part := line.recv(65_536)):
            count += len(part)
    except ConnectionError:
        pass
    return count


def made(server: Process) -> str:
    data = json.dumps(LARGE).encode()
    with urllib.request.urlopen(f"{server.url}/api/sessions", data, timeout=20) as reply:
        return f"/api/sessions/{json.load(reply)['id']}"


def sockets_open(server: Process) -> int:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as reply:
        found = re.search(r"^retrace_sockets_open (\d+)", reply.read().decode(), re.M)
    assert found
    return int(found[1])


def test_frames_that_nobody_reads_are_not_kept(server: Process) -> None:
    url = f"{made(server)}/live"
    lines = [dial(server, url, HANDSHAKE) for _ in range(COUNT)]
    for line in lines:
        assert b" 101 " in line.recv(64)
    while sockets_open(server) > MOST // 4_000_000:
        pass
    assert taken(lines[0]) < 6_000_000
    with connect(server.url.replace("http", "ws") + url, max_size=None) as reading:
        assert '"hello"' in str(reading.recv(timeout=20))
        assert len(reading.recv(timeout=20)) > 5_900_000
    for line in lines:
        line.close()


def test_answers_that_nobody_reads_are_not_kept(server: Process) -> None:
    url = f"{made(server)}/steps/0"
    lines = [dial(server, url) for _ in range(COUNT)]
    for line in lines:
        assert line.recv(1)
    with urllib.request.urlopen(server.url + url, timeout=20) as reading:
        whole = len(reading.read())
    assert whole == int(reading.headers["content-length"])
    assert taken(lines[0], whole) < whole
    for line in lines:
        line.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how long nothing was taken")
def test_who_takes_nothing_for_long_is_cut(tmp_path: Path) -> None:
    server = Process(tmp_path / "data", RETRACE_BODY_SECONDS="1")
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", server.port))
        assert connections(server)
        line.sendall(b"GET /plotly.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until = time.monotonic() + 60
        while connections(server):
            assert time.monotonic() < until, "it is held for ever"
    assert server.stop() == 0


def connections(server: Process) -> int:
    """Return how many connections the server holds, as the system lists them."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()]
    port, established = f":{server.port:04X}", "01"
    return sum(line[1].endswith(port) and line[3] == established for line in lines)
