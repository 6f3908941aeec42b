"""Logs are lines of JSON that tell what happened and never what was sent."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.logs import Json, Text, event_of
from app.settings import settings_from
from tests.nets import SMALL
from tests.process import Process

MARK = "Zaunkoenig"  # stands in everything that is sent
LEAKY = str(Path(__file__).with_name("leaky.py"))


def _record(
    name: str, text: Any, *args: Any, failure: BaseException | None = None
) -> logging.LogRecord:
    info = (type(failure), failure, failure.__traceback__) if failure else None
    return logging.LogRecord(name, logging.ERROR, __file__, 7, text, args, info)


def _provoke(server: Process, key: str) -> None:
    """Ask for all kinds of things, most of them wrong, with the mark in each part."""
    mark = {"Cookie": f"session={MARK}", "User-Agent": MARK, "Origin": f"https://{MARK}"}
    columns = {"input_names": [MARK, "b"], "target_names": [MARK]}
    named = {**SMALL, "dataset": {**SMALL["dataset"], **columns}}
    with httpx.Client(base_url=server.url, headers=mark) as client:
        client.post("/api/sessions", json=named)
        client.post("/api/sessions", json={MARK: MARK})
        client.post("/api/sessions", content=f"{MARK},1\n2,3", headers={"Content-Type": "text/csv"})
        client.get(f"/api/sessions/{key}/steps/0", params={"example": MARK})
        client.post(f"/api/sessions/{key}/commands", json={"do": MARK})
        for path in (
            f"/s/{key}",
            f"/s/{MARK}",
            f"/{MARK}",
            f"/static/{MARK}",
            f"/charts?show={MARK}",
        ):
            client.get(path)
        client.request(MARK.upper(), f"/s/{key}")
    with connect(f"ws://127.0.0.1:{server.port}/api/sessions/{key}/live?{MARK}") as live:
        live.send(MARK)
        live.send(json.dumps({"do": "seek", "step": MARK, "id": MARK}))
        while "error" not in str(live.recv()):
            pass
    with socket.create_connection(("127.0.0.1", server.port)) as wire:
        wire.sendall(f"GET {MARK} {key}\r\n\r\n".encode())
        wire.recv(100)


def _leak(server: Process, key: str) -> None:
    """Have the server fail inside, with the mark in what fails."""
    httpx.post(f"{server.url}/leak/{key}", content=MARK)
    with (
        connect(f"ws://127.0.0.1:{server.port}/leak/{key}") as live,
        contextlib.suppress(ConnectionClosed),
    ):
        live.send(MARK)
        live.recv()


@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_key_and_nothing_that_was_sent_is_logged(tmp_path: Path, level: str) -> None:
    server = Process(tmp_path / "data", LEAKY, RETRACE_LOG_LEVEL=level)
    try:
        key = httpx.post(f"{server.url}/api/sessions", json=SMALL).json()["id"]
        _provoke(server, key)
        _leak(server, key)
        assert server.stop() == 0
    finally:
        server.end()
    text = server.written.read_text("utf-8")
    assert MARK.lower() not in text.lower()
    assert key not in text
    told = [json.loads(line) for line in text.splitlines()]  # every line, of whatever origin
    events = {entry["event"] for entry in told}
    assert {"serving", "request", "socket closed", "unexpected failure", "stopped"} <= events
    assert "a careless line about …, 7 of 9" in events
    assert {"a message of foreign", "a message of asyncio", "a warning"} <= events
    assert "an exception that nothing handled" in events  # of the thread
    assert "unexpected failure" in events  # uvicorn's own, for the socket
    assert {entry["level"] for entry in told} >= {"info", "warning", "error"}
    _tells_where_it_failed(told)


def _tells_where_it_failed(told: list[dict[str, Any]]) -> None:
    failed = next(entry for entry in told if entry["event"] == "unexpected failure")
    assert failed["route"] == "/leak/{key}"
    types = [one["type"] for one in failed["exceptions"]]
    assert sorted(types) == ["ExceptionGroup", "LookupError", "ValueError"]
    cause = next(one for one in failed["exceptions"] if one["type"] == "ValueError")
    assert re.fullmatch(r"tests/unit/operations/leaky\.py:\d+", cause["at"][-1])


def test_requests_are_logged_by_their_pattern(tmp_path: Path) -> None:
    server = Process(tmp_path / "data")
    try:
        httpx.get(f"{server.url}/api/sessions/none/steps/3?example=1")
        assert server.stop() == 0
    finally:
        server.end()
    lines = [json.loads(line) for line in server.written.read_text("utf-8").splitlines()]
    asked = next(entry for entry in lines if entry["event"] == "request")
    assert asked["route"] == "/api/sessions/{session_id}/steps/{step}"
    assert (asked["method"], asked["status"], asked["level"]) == ("GET", 404, "info")
    assert asked["bytes"] > 0
    assert asked["ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", asked["time"])
    assert not [e for e in lines if e.get("route") == "/healthz"]  # that would be all one reads


def test_only_numbers_are_filled_in() -> None:
    assert event_of(_record("retrace", "%d of %s at %.1f", 3, MARK, 0.5)) == "3 of … at 0.5"
    assert event_of(_record("retrace", "%(who)s came", {"who": MARK})) == "%(who)s came"
    assert event_of(_record("uvicorn.error", f"Traceback:\n{MARK}")) == "Traceback:"
    assert event_of(_record("websockets", MARK)) == "a message of websockets"


def test_a_failure_of_the_system_keeps_its_reason() -> None:
    taken = OSError(98, f"while binding {MARK}")
    assert re.fullmatch(r"OSError: .+ \(98\)", event_of(_record("uvicorn.error", taken)))
    assert event_of(_record("uvicorn.error", KeyError(MARK))) == "KeyError"


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError(MARK), KeyError(MARK)
    first.__cause__, second.__cause__ = second, first
    told = json.loads(Json().format(_record("retrace", "failed", failure=first)))
    assert [one["type"] for one in told["exceptions"]] == ["ValueError", "KeyError"]


def test_text_is_the_same_on_one_line_for_a_person() -> None:
    record = _record("retrace", "request")
    record.fields = {"route": "/s/{session_id}", "status": 200}
    record.created = 0.0
    assert Text().format(record) == "00:00:00 error   request route=/s/{session_id} status=200"
    failed = Text().format(_record("retrace", "failed", failure=ValueError(MARK)))
    assert failed.endswith("failed\n  ValueError at ")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("RETRACE_LOG_LEVEL", "loud"),
        ("RETRACE_LOG_FORMAT", "xml"),
        ("RETRACE_STOP_SECONDS", "soon"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(name: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected .*'{wrong}'"):
        settings_from({name: wrong})
