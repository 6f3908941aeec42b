"""What is counted is told, under names and labels that stay few."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.metrics import MOST_CODES, Metrics
from app.settings import Settings
from app.web import operations
from app.web.access import AccessLog
from app.web.stopping import Stopping
from tests.clients import client_of
from tests.process import Process

Samples = dict[tuple[str, ...], float]


def samples(text: bytes | str) -> Samples:
    """Read an exposition with Prometheus' own parser: {(name, label values...): value}."""
    told = text.decode() if isinstance(text, bytes) else text
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def told(metrics: Metrics) -> Samples:
    return samples(metrics.exposition()[0])


def test_what_is_counted_is_told() -> None:
    metrics = Metrics()
    metrics.steps_computed(64)
    metrics.steps_computed(2)
    for _ in range(3):
        metrics.frame_sent()
    metrics.frame_dropped()
    metrics.command("step", "done")
    metrics.command("step", "refused")
    metrics.refused("not_json")
    found = told(metrics)
    assert found["retrace_steps_computed_total",] == 66
    assert found["retrace_frames_sent_total",] == 3
    assert found["retrace_frames_dropped_total",] == 1
    assert found["retrace_commands_total", "step", "done"] == 1
    assert found["retrace_commands_total", "step", "refused"] == 1
    assert found["retrace_refusals_total", "not_json"] == 1


def test_a_transaction_is_told_with_its_seconds_and_its_writes() -> None:
    metrics = Metrics()
    metrics.committed(0.003, 5)
    metrics.committed(0.3, 1)
    found = told(metrics)
    assert found["retrace_store_commit_seconds_bucket", "0.002"] == 0
    assert found["retrace_store_commit_seconds_bucket", "0.005"] == 1
    assert found["retrace_store_commit_seconds_sum",] == pytest.approx(0.303)
    assert found["retrace_store_batch_events_sum",] == 6
    assert found["retrace_store_batch_events_bucket", "4.0"] == 1


def test_a_reading_is_taken_when_somebody_asks() -> None:
    metrics, ages = Metrics(), [0.0]
    metrics.watch(writer_age=lambda: ages[-1], sessions=lambda: len(ages))
    ages.append(2.5)
    found = told(metrics)
    assert found["retrace_store_queue_age_seconds",] == 2.5
    assert found["retrace_sessions_resident",] == 2
    with pytest.raises(KeyError, match="sesions: expected one of sessions"):
        metrics.watch(sesions=lambda: 0)


def test_labels_stay_few() -> None:
    metrics = Metrics()
    for number in range(MOST_CODES + 5):
        metrics.refused(f"code{number}")
    metrics.command("'; DROP", "odd")
    metrics.request("BREW", "/", 418, 0.1)
    found = told(metrics)
    assert len([key for key in found if key[0] == "retrace_refusals_total"]) == MOST_CODES + 1
    assert found["retrace_refusals_total", "other"] == 5
    assert found["retrace_commands_total", "other", "other"] == 1
    assert found["retrace_http_requests_total", "other", "/", "418"] == 1


def test_two_applications_count_apart() -> None:
    one, two = Metrics(), Metrics()
    one.frame_sent()
    assert told(two)["retrace_frames_sent_total",] == 0


def test_names_carry_their_units() -> None:
    names = {key[0] for key in told(Metrics()) if key[0].startswith("retrace_")}
    unit = r"(_total|_created|_bytes|_seconds(_sum|_count|_bucket)?|_events(_sum|_count|_bucket)?)$"
    plain = {name for name in names if not re.search(unit, name)}
    assert plain == {"retrace_sessions_resident", "retrace_sockets_open"}  # they count things


def test_the_bytes_of_the_store_are_those_by_which_new_runs_are_refused(client: TestClient) -> None:
    found = []
    for rows in (1, 4_000):
        data = {"inputs": [[0.5]] * rows, "targets": [[0.25]] * rows}
        layers = [{"units": 1, "activation": "identity"}]
        assert client.post("/api/sessions", json={"dataset": data, "layers": layers}).is_success
        text = client.get("/metrics").text
        found.append(float(re.search(r"^retrace_store_bytes (\S+)$", text, re.M)[1]))  # type: ignore[index]
    assert 16_000 < found[1] - found[0] < 500_000


def test_requests_are_told_by_their_pattern_and_without_keys(client: TestClient) -> None:
    key = client.post("/api/sessions", json={}).json()["id"]
    client.get(f"/api/sessions/{key}")
    client.get(f"/s/{key}")
    client.get("/secret-place")
    client.get("/static/icon.svg")
    text = client.get("/metrics").text
    assert key not in text
    assert "secret" not in text
    found = samples(text)
    assert found["retrace_http_requests_total", "POST", "/api/sessions", "201"] == 1
    assert found["retrace_http_requests_total", "GET", "/api/sessions/{session_id}", "200"] == 1
    assert found["retrace_http_requests_total", "GET", "/s/{session_id}", "200"] == 1
    assert found["retrace_http_requests_total", "GET", "none", "404"] == 1
    assert found["retrace_http_requests_total", "GET", "/static", "200"] == 1


def test_an_open_socket_is_counted_until_it_closes(client: TestClient) -> None:
    key = client.post("/api/sessions", json={}).json()["id"]
    with client.websocket_connect(f"/api/sessions/{key}/live") as live:
        live.receive()
        assert samples(client.get("/metrics").text)["retrace_sockets_open",] == 1
    assert samples(client.get("/metrics").text)["retrace_sockets_open",] == 0


def test_a_refusal_and_a_fault_are_counted(client: TestClient) -> None:
    client.post("/api/sessions", content="{")
    client.get("/api/sessions/none")
    client.app.state.sessions.exists = None  # type: ignore[attr-defined]
    assert client.get("/s/any").status_code == 500
    found = samples(client.get("/metrics").text)
    assert found["retrace_refusals_total", "not_json"] == 1
    assert found["retrace_refusals_total", "unknown_session"] == 1
    assert found["retrace_refusals_total", "internal"] == 1
    assert found["retrace_http_requests_total", "GET", "/s/{session_id}", "500"] == 1


def test_an_upload_that_is_broken_off_is_no_fault(tmp_path: Path) -> None:
    server, found = Process(tmp_path / "data"), Samples()
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(b"POST /api/sessions HTTP/1.1\r\nHost: localhost\r\n")
            line.sendall(b"Content-Length: 100\r\n\r\n{")
        while not any("/api/sessions" in key for key in found):
            found = samples(httpx.get(f"{server.url}/metrics").text)
    finally:
        server.end()
    statuses = {key[3] for key in found if key[0] == "retrace_http_requests_total"}
    assert "499" in statuses
    assert "500" not in statuses
    assert '"status": 499' in server.written.read_text("utf-8")


async def _fails(scope: Any, receive: Any, send: Any) -> None:
    raise LookupError


async def _says_nothing(scope: Any, receive: Any, send: Any) -> None: ...


async def _is_left(scope: Any, receive: Any, send: Any) -> None:
    await receive()


async def _answers_that_it_failed(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 500})
    await receive()


@pytest.mark.parametrize(
    ("app", "status"),
    [(_fails, 500), (_says_nothing, 500), (_is_left, 499), (_answers_that_it_failed, 500)],
)
def test_a_fault_counts_as_one_whoever_is_left(app: Any, status: int) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    metrics, scope = Metrics(), {"type": "http", "method": "GET", "path": "/"}
    with contextlib.suppress(LookupError):
        asyncio.run(AccessLog(app, metrics)(scope, receive, send))
    assert told(metrics)["retrace_http_requests_total", "GET", "none", str(status)] == 1


def test_a_command_that_is_asked_for_again_is_known_and_not_done_twice(client: TestClient) -> None:
    key = client.post("/api/sessions", json={}).json()["id"]
    commands = [{"do": "step", "id": "a"}, {"do": "undo"}, {"do": "step"}]
    for command in [*commands, commands[0], commands[0]]:
        client.post(f"/api/sessions/{key}/commands", json=command)
    found = samples(client.get("/metrics").text)
    outcomes = {key[1:]: n for key, n in found.items() if key[0] == "retrace_commands_total"}
    assert outcomes == {("step", "done"): 2, ("step", "known"): 2, ("undo", "refused"): 1}


class Kept:
    """A stand-in for the sessions, as far as readiness is concerned."""

    def __init__(self) -> None:
        self.trouble: str | None = None

    async def problem(self) -> str | None:
        return self.trouble


@pytest.fixture
def ready() -> Iterator[TestClient]:
    app = FastAPI()
    app.state.sessions, app.state.stopping = Kept(), Stopping()
    app.include_router(operations.router)
    with TestClient(app) as found:
        yield found


def test_ready_while_all_is_well(ready: TestClient) -> None:
    answer = ready.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_not_ready_says_why(ready: TestClient) -> None:
    ready.app.state.sessions.trouble = "the disk is full"  # type: ignore[attr-defined]
    answer = ready.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "reason": "the disk is full"}


def test_not_ready_once_it_stops(ready: TestClient) -> None:
    ready.app.state.stopping.reason = "the server stops"  # type: ignore[attr-defined]
    assert ready.get("/readyz").json()["reason"] == "the server stops"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_monitor_may_ask_by_head(data_dir: Path, path: str) -> None:
    with client_of(Settings(data_dir=data_dir)) as client:
        assert client.head(path).status_code == 200
        client.app.state.stopping.reason = "the server stops"  # type: ignore[attr-defined]
        assert client.head(path).status_code == client.get(path).status_code


def test_metrics_are_never_cached(data_dir: Path) -> None:
    with client_of(Settings(data_dir=data_dir)) as client:
        answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
