"""A session with much to tell: what was written once is told again, the rest in a thread."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.sessions import sessions as sessions_module
from app.timeline.spec import Spec
from app.web import api

ROWS = [[k % 10 / 8 for k in range(100)] for _ in range(700)]
LARGE: dict[str, Any] = {
    "dataset": {"inputs": ROWS, "targets": [[1.0]] * 700},
    "layers": [{"units": 1, "activation": "identity"}],
    "learning_rate": 1e-6,
}


def test_a_large_spec_is_told_as_it_was_written(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = client.post("/api/sessions", json=LARGE)
    url = f"/api/sessions/{made.json()['id']}"

    def written_again(_: Spec) -> dict[str, Any]:
        raise AssertionError("the spec was written again")

    monkeypatch.setattr(Spec, "to_json", written_again)
    read = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert (read.json(), read.headers["content-encoding"]) == (made.json(), "identity")
    with client.websocket_connect(f"{url}/live") as socket:
        hello = json.loads(socket.receive_text())
    assert (hello["type"], hello["session"]) == ("hello", made.json())
    assert made.json()["spec"]["dataset"]["inputs"] == ROWS


def test_a_spec_is_read_beside_everybody_else(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, threads = sessions_module.read_json, []

    def watched(*given: Any) -> Any:
        threads.append(threading.current_thread().name)
        return read(*given)

    monkeypatch.setattr(sessions_module, "read_json", watched)
    assert client.post("/api/sessions", json=LARGE).status_code == 201
    assert [name.partition("_")[0] for name in threads] == ["specs"]


def test_the_numbers_of_a_step_are_written_beside_everybody_else(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [{"units": 200}, {"units": 1, "activation": "identity"}]
    spec = {"dataset": {"inputs": [[0.5] * 100], "targets": [[1.0]]}, "layers": layers}
    url = f"/api/sessions/{client.post('/api/sessions', json=spec).json()['id']}/steps/0"
    write, threads = api.written, []

    def watched(value: Any) -> str:
        threads.append(threading.current_thread().name)
        return write(value)

    monkeypatch.setattr(api, "written", watched)
    told = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert told.headers["content-encoding"] == "identity"
    assert [len(row) for row in told.json()["layers"][0]["weights"]] == [200] * 100
    assert [name.partition("_")[0] for name in threads] == ["read-small"]
