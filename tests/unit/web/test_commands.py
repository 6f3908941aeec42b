"""What commands do, over HTTP; test_socket.py has the other door."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.limits import Limits
from app.settings import Settings
from app.timeline.presets import HOUSE
from tests.clients import client_of
from tests.nets import SMALL


@pytest.fixture
def do(client: TestClient, session: str) -> Callable[..., Any]:
    def send(expected: int = 200, **command: Any) -> Any:
        reply = client.post(f"/api/sessions/{session}/commands", json=command)
        assert reply.status_code == expected, reply.text
        return reply.json()

    return send


def _cursor(reply: Any) -> tuple[int, int]:
    return reply["cursor"]["step"], reply["cursor"]["phase"]


def test_an_empty_spec_is_the_houses_of_ames(client: TestClient) -> None:
    reply = client.post("/api/sessions", json={}).json()
    assert reply["spec"]["dataset"]["name"] == "ames-houses"
    assert reply["layout"]["sizes"] == [3, 3, 1]
    assert reply["parameters"] == 16
    assert (reply["layout"]["training_rows"], reply["layout"]["held_out_rows"]) == (2344, 586)
    assert reply["cursor"] == {"step": 0, "phase": 0}
    assert reply["edits"] == []


def test_float32_is_computed_and_told_in_float32(client: TestClient) -> None:
    steps = {}
    for precision in ("float32", "float64"):
        reply = client.post("/api/sessions", json={**SMALL, "precision": precision}).json()
        assert reply["layout"]["precision"] == precision
        url = f"/api/sessions/{reply['id']}"
        steps[precision] = client.get(f"{url}/steps/20").json()
    weights = np.array(steps["float32"]["layers"][0]["weights"])
    assert (weights == weights.astype(np.float32)).all()
    exact = np.array(steps["float64"]["layers"][0]["weights"])
    assert (exact != exact.astype(np.float32)).any()
    np.testing.assert_allclose(weights, exact, rtol=1e-4)


def test_moves_by_phase_step_and_epoch(do: Callable[..., Any]) -> None:
    assert _cursor(do(do="step", unit="phase", by=9)) == (1, 2)
    assert _cursor(do(do="step", unit="step", by=4)) == (5, 2)
    assert _cursor(do(do="step", unit="epoch", by=1)) == (6, 0)
    assert _cursor(do(do="step", unit="epoch", by=-2)) == (2, 0)
    assert _cursor(do(do="step", unit="phase", by=-100)) == (0, 0)
    assert _cursor(do(do="seek", step=3, phase=6)) == (3, 6)
    assert _cursor(do(do="seek", step=7)) == (7, 0)


def test_a_repeated_command_is_answered_and_not_done_again(do: Callable[..., Any]) -> None:
    first = do(do="step", unit="step", by=1, id="once")
    assert do(do="step", unit="step", by=1, id="once") == first
    assert _cursor(do(do="step", unit="phase", by=1, id="other")) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"do": "step", "unit": "step", "by": 2},
        {"do": "seek", "step": 1},
        {"do": "change", "learning_rate": 9},
        {"do": "change", "nested": json.loads("[" * 900 + "]" * 900)},
        {"do": "undo"},
    ],
    ids=lambda other: str(other["do"]),
)
def test_an_id_is_that_of_one_command(do: Callable[..., Any], other: dict[str, Any]) -> None:
    do(do="step", unit="step", by=1, id="once")
    error = do(**other, id="once", expected=409)["error"]
    assert (error["code"], error["field"], error["value"]) == ("id_taken", "id", "once")
    assert _cursor(do(do="step", unit="phase", by=1)) == (1, 1)


def test_a_command_is_the_same_however_it_is_written(do: Callable[..., Any]) -> None:
    first = do(do="step", id="once")
    assert do(by=1, unit="phase", do="step", id="once") == first
    edit = do(do="change", parameter="w1.1.1", value=0.5, id="edit")
    assert do(do="change", value=0.5, parameter="w1.1.1", id="edit") == edit


def test_a_learning_rate_holds_from_its_step_on(
    do: Callable[..., Any], client: TestClient, session: str
) -> None:
    do(do="seek", step=4, phase=2)
    assert do(do="change", learning_rate=0.3)["dropped"] == []
    do(do="seek", step=9, phase=6)
    do(do="change", learning_rate=0.2)
    rates = [
        client.get(f"/api/sessions/{session}/steps/{t}").json()["learning_rate"]
        for t in (3, 4, 9, 10)
    ]
    assert rates == [0.05, 0.3, 0.3, 0.2]


def test_an_edit_after_stepping_back_drops_later_ones_and_undo_restores_them(
    do: Callable[..., Any], client: TestClient, session: str
) -> None:
    do(do="seek", step=9)
    do(do="change", learning_rate=0.2)
    later = client.get(f"/api/sessions/{session}/steps/12").content
    do(do="seek", step=4)
    assert do(do="change", parameter="w1.2.3", value=0.5)["dropped"] == [
        {"step": 9, "learning_rate": 0.2}
    ]
    assert client.get(f"/api/sessions/{session}/steps/12").content != later
    do(do="undo")
    assert client.get(f"/api/sessions/{session}/steps/12").content == later
    do(do="undo")
    assert do(409, do="undo")["error"]["code"] == "nothing_to_undo"


def test_a_run_that_diverges_stops_and_says_so(client: TestClient) -> None:
    spec = {**HOUSE, "learning_rate": 0.4}
    identity = client.post("/api/sessions", json=spec).json()["id"]
    url = f"/api/sessions/{identity}"
    reply = client.post(f"{url}/commands", json={"do": "seek", "step": 500}).json()
    last = reply["diverged"]["step"]
    assert reply["cursor"] == {"step": last, "phase": 6}
    assert client.get(f"{url}/steps/{last}").status_code == 200
    beyond = client.get(f"{url}/steps/{last + 1}")
    assert (beyond.status_code, beyond.json()["error"]["code"]) == (409, "diverged")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"layers": [{"units": 3, "activation": "swish"}]}, "layers[0].activation"),
        ({"layers": [{"units": 0, "activation": "tanh"}]}, "layers[0].units"),
        ({"layers": [{"units": True, "activation": "tanh"}]}, "layers[0].units"),
        ({"layers": [{"units": 4000}, {"units": 4000}, {"units": 1}]}, "layers"),
        ({"layers": []}, "layers"),
        ({"layers": [{"units": 2, "activation": "identity"}]}, "layers"),
        ({"loss": "hinge"}, "loss"),
        ({"loss": "binary_cross_entropy"}, "layers[1].activation"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"shuffle": 1}, "shuffle"),
        ({"seed": -1}, "seed"),
        ({"speed": 3}, "speed"),
        ({"optimizer": {"name": "adam"}}, "optimizer.name"),
        ({"dataset": {"name": "mnist"}}, "dataset.name"),
        ({"dataset": {"inputs": ["rooms"], "name": "ames-houses"}}, "dataset.inputs[0]"),
        ({"dataset": {"inputs": [[1], [1, 2]], "targets": [[1], [2]]}}, "dataset.inputs[1]"),
        ({"dataset": {"inputs": [[1]], "targets": [[1], [2]]}}, "dataset.targets"),
        ({"dataset": {"inputs": [[None]], "targets": [[1]]}}, "dataset.inputs[0][0]"),
        (
            {"dataset": {"inputs": [[1]], "targets": [[1]], "test_fraction": 0.9}},
            "dataset.test_fraction",
        ),
        ({"initial": {"weights": [[[1.0]], [[1.0]]]}}, "initial.weights[0]"),
        ({"initial": {"scheme": "magic"}}, "initial.scheme"),
        ([], ""),
    ],
)
def test_a_wrong_spec_is_refused_by_its_field(client: TestClient, spec: Any, field: str) -> None:
    reply = client.post("/api/sessions", json=spec)
    assert reply.status_code == 422
    error = reply.json()["error"]
    assert error["field"] == field
    assert error["expected"]
    assert error["expected"] in error["message"]


@pytest.mark.parametrize("text", ['{"learning_rate": NaN}', '{"learning_rate": 1e999}'])
def test_numbers_that_are_not_finite_are_refused_with_their_text(
    client: TestClient, text: str
) -> None:
    reply = client.post("/api/sessions", content=text)
    error = reply.json()["error"]
    assert (reply.status_code, error["field"]) == (422, "learning_rate")
    assert error["value"] in ("nan", "inf")


@pytest.mark.parametrize(
    ("command", "field"),
    [
        ({"do": "fly"}, "do"),
        ({"do": "step", "by": 0}, "by"),
        ({"do": "step", "by": 1.5}, "by"),
        ({"do": "step", "unit": "year"}, "unit"),
        ({"do": "step", "far": 1}, "far"),
        ({"do": "seek"}, "step"),
        ({"do": "seek", "step": 1_000_001}, "step"),
        ({"do": "seek", "step": 1, "phase": 7}, "phase"),
        ({"do": "change"}, "change"),
        ({"do": "change", "learning_rate": -1}, "learning_rate"),
        ({"do": "change", "parameter": "w9.1.1", "value": 1}, "parameter"),
        ({"do": "change", "parameter": "w1.1.1"}, "value"),
        ({"do": "change", "parameter": "w1.1.1", "value": None}, "value"),
        ({"do": "play"}, "do"),
        ("step", "command"),
    ],
)
def test_a_wrong_command_is_refused_by_its_field(
    client: TestClient, session: str, command: Any, field: str
) -> None:
    reply = client.post(f"/api/sessions/{session}/commands", json=command)
    assert reply.status_code == 422, reply.text
    assert reply.json()["error"]["field"] == field
    where = client.get(f"/api/sessions/{session}").json()["cursor"]
    assert where == {"step": 0, "phase": 0}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/sessions/none", 404),
        ("/api/sessions/none/steps/0", 404),
        ("/api/nothing", 404),
        ("/s/none", 404),
        ("/healthz", 200),
        ("/", 200),
    ],
)
def test_paths_answer_with_a_status_and_the_policy(
    client: TestClient, path: str, status: int
) -> None:
    reply = client.get(path)
    assert reply.status_code == status
    policy = reply.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_an_example_beyond_the_batch_is_refused(client: TestClient, session: str) -> None:
    url = f"/api/sessions/{session}/steps/0"
    assert client.get(f"{url}?example=1").json()["example"] == 1
    assert client.get(f"{url}?example=2").json()["error"]["field"] == "example"
    assert client.get(f"{url}?example=x").status_code == 422


def test_a_body_beyond_the_limit_is_cut(data_dir: Path) -> None:
    with client_of(Settings(data_dir=data_dir, limits=Limits(body_bytes=100))) as client:
        assert client.post("/api/sessions", content=b" " * 101).status_code == 413


def test_a_command_is_no_larger_than_a_message_on_a_socket(data_dir: Path) -> None:
    with client_of(Settings(data_dir=data_dir, limits=Limits(message_bytes=100))) as client:
        url = f"/api/sessions/{client.post('/api/sessions', json=SMALL).json()['id']}/commands"
        command = json.dumps({"do": "step"})
        assert client.post(url, content=command.ljust(100)).status_code == 200
        refused = client.post(url, content=command.ljust(101))
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "body_too_large")
    assert "RETRACE_MESSAGE_BYTES" in refused.json()["error"]["message"]


def test_a_restart_finds_the_run_where_it_stood_to_the_bit(data_dir: Path) -> None:
    with client_of(Settings(data_dir=data_dir)) as client:
        identity = client.post("/api/sessions", json=SMALL).json()["id"]
        url = f"/api/sessions/{identity}"
        client.post(f"{url}/commands", json={"do": "seek", "step": 700, "phase": 3})
        client.post(f"{url}/commands", json={"do": "change", "learning_rate": 0.2})
        client.post(f"{url}/commands", json={"do": "step", "unit": "step", "by": 5, "id": "k"})
        before = client.get(url).json(), client.get(f"{url}/steps/705").content
        history = client.get(f"{url}/history").json()
    with client_of(Settings(data_dir=data_dir)) as client:
        assert (client.get(url).json(), client.get(f"{url}/steps/705").content) == before
        assert client.get(f"{url}/history").json() == history
        repeated = {"do": "step", "unit": "step", "by": 5, "id": "k"}
        assert _cursor(client.post(f"{url}/commands", json=repeated).json()) == (705, 3)
        another = {**repeated, "by": 6}
        assert client.post(f"{url}/commands", json=another).status_code == 409


def test_sessions_that_leave_memory_come_back(data_dir: Path) -> None:
    with client_of(Settings(data_dir=data_dir, limits=Limits(resident_sessions=2))) as client:
        ids = [client.post("/api/sessions", json=SMALL).json()["id"] for _ in range(5)]
        for k, identity in enumerate(ids):
            url = f"/api/sessions/{identity}/commands"
            client.post(url, json={"do": "seek", "step": k, "phase": k})
        found = [_cursor(client.get(f"/api/sessions/{identity}").json()) for identity in ids]
        assert found == [(k, k) for k in range(5)]
        while len(client.app.state.sessions._seats) > 2:  # type: ignore[attr-defined]
            client.get("/healthz")  # they leave meanwhile
