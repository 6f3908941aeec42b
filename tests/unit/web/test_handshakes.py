"""Handshakes that open no socket, against a real server: what answers them is not the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.web.headers import ALWAYS
from tests.unit.web.test_uploads import Server, answer_of, live, status_of

UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
KEY, VERSION = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"
LIVE = "GET /api/sessions/SESSION/live"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("data"))
    yield found
    found.stop()


@pytest.mark.parametrize(
    ("route", "headers", "status", "code"),
    [
        (LIVE, (VERSION,), 400, "bad_request"),
        (LIVE, ("Sec-WebSocket-Key: x", VERSION), 400, "bad_request"),
        (LIVE, (KEY, "Sec-WebSocket-Version: 7"), 400, "bad_request"),
        (LIVE.replace("GET", "POST"), (KEY, VERSION), 405, "method_not_allowed"),
        (LIVE, (KEY, VERSION, f"X: {'a' * 9_000}"), 431, "request_header_fields_too_large"),
        (LIVE, (KEY, VERSION, *["X: a"] * 150), 431, "request_header_fields_too_large"),
    ],
    ids=["no key", "wrong key", "old version", "POST", "long header", "many headers"],
)
def test_a_handshake_that_is_none_is_answered_in_the_same_shape(
    server: Server, route: str, headers: tuple[str, ...], status: int, code: str
) -> None:
    with server.dial(route, *UPGRADE, *headers) as line:
        head, body = answer_of(line).split(b"\r\n\r\n", 1)
    assert status_of(head) == status
    assert json.loads(body)["error"]["code"] == code
    lines = head.decode().lower().split("\r\n")
    for name, value in {**ALWAYS, "Content-Type": "application/json"}.items():
        assert lines.count(f"{name}: {value}".lower()) == 1
    assert "connection: close" in lines
    assert server.answers()


def test_a_handshake_that_is_refused_is_no_error_of_the_server(tmp_path: Path) -> None:
    server = Server(tmp_path, RETRACE_SOCKETS_PER_ADDRESS="1")
    try:
        with live(server):
            for origin, status in (("Origin: null", 403), ("X: none", 429)):
                with server.dial(LIVE, *UPGRADE, KEY, VERSION, origin) as line:
                    assert status_of(answer_of(line)) == status
    finally:
        server.stop()
    logged = [json.loads(line) for line in server.written.read_text("utf-8").splitlines()]
    assert logged[-1]["event"] == "stopped"
    assert [line for line in logged if line["level"] == "error"] == []
