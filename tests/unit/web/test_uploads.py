"""Uploads and messages without end, against a real server: what they cost, and whom they hold up."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.nets import SMALL
from tests.process import Process

GIGABYTE = 1_000_000_000
MEGABYTE = 1_000_000
LIMIT = 5 * MEGABYTE
KERNEL = 8 * MEGABYTE  # what its buffers on both sides hold
DROPPED = 2 * LIMIT  # what is read on, so that the answer arrives, and not kept
MOST_TAKEN = LIMIT + DROPPED + KERNEL
MOST_GROWTH = 16 * MEGABYTE
CHUNK = b"%x\r\n" % 65536 + b"[" * 65536 + b"\r\n"
PLAIN = b"[" * 65536
BODY_ROUTES = ("POST /api/sessions", "POST /api/sessions/SESSION/commands")
OTHER_ROUTES = ("GET /", "GET /healthz", "GET /api/presets", "GET /static/js/main.js", "POST /nothing", "PUT /api/sessions", "DELETE /s/SESSION", "POST /static/x")  # fmt: skip
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")


class Server(Process):
    """A server with one session."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.session = str(self.post(SMALL)["id"])

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def post(self, spec: object) -> dict[str, object]:
        data = json.dumps(spec).encode()
        with urllib.request.urlopen(f"{self.url}/api/sessions", data, timeout=20) as reply:
            return dict(json.load(reply))

    @contextlib.contextmanager
    def measured(self, what: str, uploads: int = 1) -> Iterator[None]:
        """Check that meanwhile the process needs little more memory at its peak than before."""
        folder = Path(f"/proc/{self.process.pid}")
        (folder / "clear_refs").write_text("5")  # the peak so far is forgotten
        before = _peak(folder)
        yield
        growth = _peak(folder) - before
        print(f"{what}: {growth / 1e6:.1f} MB of memory")
        assert growth < max(MOST_GROWTH, uploads * 1.5 * LIMIT)

    def dial(self, route: str, *headers: str) -> socket.socket:
        method, path = route.replace("SESSION", self.session).split()
        lines = (f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *headers, "", "")
        found = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        found.sendall("\r\n".join(lines).encode())
        return found


def _peak(folder: Path) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text("utf-8"))
    assert found
    return int(found[1]) * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("data"))
    yield found
    found.stop()


def pour(line: socket.socket, part: bytes, most: int = GIGABYTE) -> int:
    """Send until the other side has had enough; return how many bytes it took."""
    sent = 0
    try:
        while sent < most:
            line.sendall(part[: most - sent])
            sent += len(part)
    except ConnectionError:
        pass
    return sent


def answer_of(line: socket.socket) -> bytes:
    """Return what comes until the connection is closed; it must be."""
    parts = []
    try:
        while part := line.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@needs_proc
@pytest.mark.parametrize("route", [*BODY_ROUTES, *OTHER_ROUTES])
@pytest.mark.parametrize("way", ["chunked", "announced"])
def test_a_gigabyte_is_cut_and_costs_no_memory(server: Server, route: str, way: str) -> None:
    header = "Transfer-Encoding: chunked" if way == "chunked" else f"Content-Length: {GIGABYTE}"
    with server.measured(f"{route} {way}"), server.dial(route, header) as line:
        sent = pour(line, CHUNK if way == "chunked" else PLAIN)
        answer = answer_of(line)
    if way == "announced" or route in BODY_ROUTES:
        assert status_of(answer) == 413
        streamed = way == "chunked" and route.endswith("commands")
        assert (b"RETRACE_MESSAGE_BYTES" if streamed else b"RETRACE_BODY_BYTES") in answer
    assert b"connection: close" in answer.lower()
    assert sent <= (DROPPED + KERNEL if way == "announced" else MOST_TAKEN)
    assert server.answers()


def test_what_is_announced_too_large_is_refused_before_a_byte_is_sent(server: Server) -> None:
    for route in (*BODY_ROUTES, *OTHER_ROUTES):
        for length in (LIMIT + 1, GIGABYTE, 10**18):
            with server.dial(route, f"Content-Length: {length}", "Expect: 100-continue") as line:
                answer = answer_of(line)
            assert status_of(answer) == 413
            assert b"100 Continue" not in answer


@needs_proc
@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_head_without_end_is_cut_and_costs_no_memory(server: Server, start: bytes) -> None:
    with server.measured("a head"), socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(start)
        sent = pour(line, b"x" * 65536)
    assert sent <= MOST_TAKEN
    assert server.answers()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    short = {"RETRACE_HEAD_SECONDS": "1", "RETRACE_BODY_SECONDS": "1", "RETRACE_HEAD_BYTES": "1000"}
    found = Server(tmp_path_factory.mktemp("impatient"), **short)
    yield found
    found.stop()


@pytest.mark.parametrize("start", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_head_that_does_not_come_is_waited_for_no_longer(impatient: Server, start: bytes) -> None:
    with live(impatient) as open_one, impatient.dial("GET /healthz") as kept:
        assert status_of(kept.recv(65536)) == 200
        with socket.create_connection(("127.0.0.1", impatient.port), timeout=20) as line:
            for each in (line, kept):
                each.sendall(start)
            answers = [answer_of(each) for each in ((line, kept) if start else (line,))]
        for answer in answers:
            assert status_of(answer) == 408
            assert b"RETRACE_HEAD_SECONDS" in answer
        open_one.send(json.dumps({"do": "pause", "id": "later"}))
        while '"later"' not in str(open_one.recv(timeout=20)):
            pass  # a socket is not a head


@pytest.mark.parametrize("path", ["/healthz", "/api/sessions/SESSION/live"])
def test_a_head_in_one_piece_is_counted_to_the_byte(impatient: Server, path: str) -> None:
    socket_wanted = ("Upgrade: websocket", "Connection: Upgrade") if "live" in path else ()
    for length, status in ((1_000, 400 if socket_wanted else 200), (1_001, 400)):
        bare = len(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{impatient.port}\r\nX: \r\n\r\n")
        bare += len(impatient.session) - len("SESSION") if socket_wanted else 0
        bare += sum(len(line) + 2 for line in socket_wanted)
        with impatient.dial(f"GET {path}", *socket_wanted, f"X: {'a' * (length - bare)}") as line:
            answer = line.recv(65536)
        assert status_of(answer) == status
        assert (b"RETRACE_HEAD_BYTES" in answer) is (length > 1_000)


@pytest.mark.parametrize("route", BODY_ROUTES)
def test_a_body_that_does_not_end_is_waited_for_no_longer(impatient: Server, route: str) -> None:
    for header, begun in (
        ("Content-Length: 100", b"{"),
        ("Transfer-Encoding: chunked", b"1\r\n{\r\n"),
    ):
        with impatient.dial(route, header) as line:
            line.sendall(begun)
            answer = answer_of(line)
        assert status_of(answer) == 408
        error = json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]
        assert (error["code"], error["field"]) == ("body_too_slow", "body")
        assert error["value"] == "1 bytes"
        assert "RETRACE_BODY_SECONDS" in error["expected"]


def test_what_is_not_http_is_answered_in_the_same_shape(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = answer_of(line)
    head, body = answer.split(b"\r\n\r\n", 1)
    assert status_of(answer) == 400
    assert json.loads(body)["error"]["code"] == "bad_request"
    for header in (b"x-content-type-options: nosniff", b"content-security-policy: ", b"connection: close"):  # fmt: skip
        assert header in head.lower()
    assert server.answers()


def test_a_body_as_large_as_allowed_is_read(server: Server) -> None:
    spec = json.dumps({**SMALL, "seed": 1}).encode()
    for length, status in ((LIMIT, 201), (LIMIT + 1, 413)):
        for header in (f"Content-Length: {length}", "Transfer-Encoding: chunked"):
            body = spec + b" " * (length - len(spec))
            if header.startswith("Transfer"):
                body = b"%x\r\n" % length + body + b"\r\n0\r\n\r\n"
            with server.dial("POST /api/sessions", header, "Connection: close") as line:
                pour(line, body, len(body))
                assert status_of(answer_of(line)) == status, (length, header)


def test_a_connection_whose_body_was_read_stays_open(server: Server) -> None:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for body, status in (("{", 422), (" ", 422), (json.dumps(SMALL), 201)):
        line.request("POST", "/api/sessions", body)
        reply = line.getresponse()
        assert (reply.status, reply.getheader("connection")) == (status, None)
        reply.read()
        assert line.sock, "the connection was closed"
    line.close()


@needs_proc
def test_slow_uploads_of_many_hold_nobody_up(server: Server) -> None:
    routes = (*BODY_ROUTES, *OTHER_ROUTES) * 2
    lines = [server.dial(route, "Transfer-Encoding: chunked") for route in routes]
    with server.measured("slow uploads"):
        for _ in range(5):
            for line in lines:
                pour(line, b"1\r\n[\r\n" * 2_000, 12_000)  # a byte at a time: the dearest way
            assert server.answers()
            assert server.post(SMALL)["id"]
    for line in lines:
        line.close()  # in the middle of a body
    assert server.answers()


@needs_proc
def test_four_that_send_a_gigabyte_at_once_hold_nobody_up(server: Server) -> None:
    def flood(_: int) -> tuple[int, int]:
        with server.dial("POST /api/sessions", "Transfer-Encoding: chunked") as line:
            return pour(line, CHUNK), status_of(answer_of(line))

    with server.measured("four at once", uploads=4), ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(flood, k) for k in range(4)]
        while not all(one.done() for one in floods):
            assert server.answers()
    for one in floods:
        sent, status = one.result()
        assert (sent <= MOST_TAKEN, status) == (True, 413)


def live(server: Server) -> ClientConnection:
    url = f"ws://127.0.0.1:{server.port}/api/sessions/{server.session}/live"
    return connect(url, max_size=None, compression=None)


def closed_with(socket: ClientConnection) -> tuple[int, str] | None:
    """Return the code and the reason with which the server closes a socket."""
    try:
        for _ in itertools.count():
            socket.recv(timeout=20)
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else None
    return None


TOO_LARGE = (1009, "a message may take 65,536 bytes (RETRACE_MESSAGE_BYTES)")


def test_a_message_beyond_the_limit_closes_its_socket_only(server: Server) -> None:
    with live(server) as other, live(server) as socket:
        socket.send(" " * 65_537)
        assert closed_with(socket) == TOO_LARGE
        other.send(json.dumps({"do": "step", "unit": "phase", "by": 1, "id": "after"}))
        while '"after"' not in str(other.recv(timeout=20)):
            pass
    assert server.answers()


def test_a_message_as_large_as_allowed_is_read(server: Server) -> None:
    with live(server) as socket:
        text = json.dumps({"do": "pause", "id": "large"})
        socket.send(text + " " * (65_536 - len(text)))
        while '"large"' not in str(socket.recv(timeout=20)):
            pass


def test_a_message_in_parts_is_counted_as_a_whole(server: Server) -> None:
    with live(server) as socket:
        socket.send("[" * 40_000 for _ in range(2))
        assert closed_with(socket) == TOO_LARGE


@needs_proc
def test_a_message_in_endless_parts_is_cut_too(server: Server) -> None:
    endless = ("[" * 60_000 for _ in range(1_000))
    # It is cut maybe before it reads why.
    cut = pytest.raises(ConnectionClosed)
    with server.measured("endless parts"), live(server) as socket, cut:
        socket.send(endless)
    assert server.answers()


@pytest.mark.parametrize("trusted", ["", "127.0.0.1"])
def test_the_address_behind_a_proxy_is_the_clients_where_the_proxy_is_trusted(
    tmp_path: Path, trusted: str
) -> None:
    settings = {"RETRACE_SESSIONS_PER_HOUR": "2", "RETRACE_TRUSTED_PROXIES": trusted}
    server = Server(tmp_path, **settings, FORWARDED_ALLOW_IPS="*")
    try:
        found = []
        for client in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"):
            with server.dial(
                "POST /api/sessions",
                "Content-Length: 2",
                "Connection: close",
                f"X-Forwarded-For: {client}",
            ) as line:
                line.sendall(b"{}")
                found.append(status_of(answer_of(line)))
        # One session was made already, by the proxy itself.
        assert found == ([201, 201, 429, 201] if trusted else [201, 429, 429, 429])
    finally:
        server.stop()
