"""What is refused at the edge, and that nothing that JSON can carry is an error of the server."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.refusal import shown
from app.sessions.turns import Turns
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.frames import HEADER

ONE: dict[str, Any] = {
    "dataset": {"inputs": [[1.0]], "targets": [[1.0]]},
    "layers": [{"units": 1, "activation": "identity"}],
}
NAME = "a parameter's name, like w1.2.3 or b1.3"


def _of(spec: dict[str, Any], **dataset: Any) -> dict[str, Any]:
    return {**spec, "dataset": {**ONE["dataset"], **dataset}}


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [("", "GET"), ("/commands", "POST"), ("/history", "GET"), ("/steps/0/trial", "GET")],
)
def test_another_method_is_told_which_there_is(
    client: TestClient, session: str, method: str, path: str, allowed: str
) -> None:
    reply = client.request(method, f"/api/sessions/{session}{path}")
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)
    assert reply.headers["content-type"] == "application/json"
    if method != "HEAD":  # which never has a body
        assert reply.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("path", "field", "expected"),
    [
        ("steps/0/chain", "parameter", NAME),
        ("steps/0/surface?x=w1.1.1", "y", NAME),
        ("steps/0/trial?parameter=w1.1.1", "value", "a finite number"),
        ("figures/gradient", "step", "a whole number from 0"),
    ],
)
def test_what_is_missing_in_an_address_is_named(
    client: TestClient, session: str, path: str, field: str, expected: str
) -> None:
    reply = client.get(f"/api/sessions/{session}/{path}")
    error = reply.json()["error"]
    assert (reply.status_code, error["field"], error["expected"]) == (422, field, expected)
    assert error["message"] == f"{field}: expected {expected}"


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        (
            {"layers": [{"units": 4097}]},
            "layers[0].units",
            "a whole number from 1 to 4,096 (the setting RETRACE_MAX_UNITS)",
        ),
        (
            {"batch_size": 20_001},
            "batch_size",
            "a whole number from 1 to 20,000 (the setting RETRACE_MAX_ROWS)",
        ),
        (
            {
                "dataset": {"inputs": [[0, 0]] * 12_000, "targets": [[1]] * 12_000},
                "layers": [{"units": 400}, {"units": 1, "activation": "identity"}],
                "batch_size": 12_000,
            },
            "batch_size",
            "at most 4,000,000 numbers in a batch, rows times inputs and units: 9,925 rows of this "
            "network (the setting RETRACE_MAX_BATCH_NUMBERS)",
        ),
    ],
)
def test_a_number_beyond_a_limit_is_told_the_setting(
    client: TestClient, spec: dict[str, Any], field: str, expected: str
) -> None:
    error = client.post("/api/sessions", json=spec).json()["error"]
    assert (error["field"], error["expected"]) == (field, expected)
    assert error["code"] == ("too_large" if "batch" in expected else "invalid")


def test_a_chart_is_shown_once(client: TestClient) -> None:
    assert client.get("/charts?show=surface,loss").status_code == 200
    assert client.get("/charts?show=loss,gradient,loss").status_code == 422


def test_an_empty_id_is_refused_since_the_next_one_would_be_the_same(
    client: TestClient, session: str
) -> None:
    done = client.post(f"/api/sessions/{session}/commands", json={"do": "step", "id": ""})
    assert (done.status_code, done.json()["error"]["field"]) == (422, "id")
    assert "1 to 80 characters" in done.json()["error"]["message"]


def test_half_a_character_is_refused_wherever_it_stands(client: TestClient, session: str) -> None:
    made = client.post("/api/sessions", content=json.dumps(_of(ONE, input_names=["\ud800"])))
    assert (made.status_code, made.json()["error"]["field"]) == (422, "dataset.input_names[0]")
    text = json.dumps({"do": "step", "id": "\udc00"})
    done = client.post(f"/api/sessions/{session}/commands", content=text)
    assert (done.status_code, done.json()["error"]["field"]) == (422, "id")
    whole = json.dumps({"do": "step", "id": "\U0001f3e0"})
    assert client.post(f"/api/sessions/{session}/commands", content=whole).status_code == 200


def test_no_depth_of_nesting_is_an_error_of_the_server(client: TestClient, session: str) -> None:
    for depth in range(850, 1_000):
        text = '{"do": "step", "by": ' + "[" * depth + "]" * depth + "}"
        reply = client.post(f"/api/sessions/{session}/commands", content=text)
        assert reply.status_code == 422, depth


def test_a_refusal_is_short_however_long_the_key(client: TestClient) -> None:
    reply = client.post("/api/sessions", json={"k" * 100_000: 1})
    assert reply.status_code == 422
    assert len(reply.content) < 1_500


def test_a_parameter_has_one_name(client: TestClient) -> None:
    wide = _of({**ONE, "layers": [{"units": 11, "activation": "identity"}]}, targets=[[0.0] * 11])
    identity = client.post("/api/sessions", json=wide).json()["id"]
    url = f"/api/sessions/{identity}/steps/0/slice"
    assert client.get(url, params={"parameter": "w1.1.11"}).status_code == 200
    assert client.get(url, params={"parameter": "w1.1.1\u0661"}).status_code == 422


def test_numbers_that_overflow_in_their_own_unit_are_refused(client: TestClient) -> None:
    spec = _of(ONE, inputs=[[10.0]], input_units=[{"unit": "m", "per": 1e308}])
    error = client.post("/api/sessions", json=spec).json()["error"]
    assert (error["code"], error["field"]) == ("not_finite", "dataset.input_units[0].per")


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_prediction_that_overflows_in_its_own_unit_is_null(
    client: TestClient, precision: str
) -> None:
    spec = _of(ONE, target_units=[{"unit": "m", "per": 1e308}])
    spec |= {"initial": {"weights": [[[10.0]]]}, "precision": precision, "learning_rate": 1e-3}
    identity = client.post("/api/sessions", json=spec).json()["id"]
    url = f"/api/sessions/{identity}/steps/0"
    found = client.get(url).json()
    assert found["prediction"] == [10.0]
    assert (found["units"]["prediction"], found["units"]["targets"]) == ([None], [1e308])
    frame = client.get(f"{url}/trial?parameter=w1.1.1&value=10").content
    numbers = np.frombuffer(frame, "<f8" if precision == "float64" else "<f4", offset=HEADER.size)
    assert math.isinf(numbers[-2])
    sheet = client.get(f"/s/{identity}/worksheet?step=0")
    assert sheet.status_code == 200
    assert "The same in its own unit" not in sheet.text


def test_an_epoch_whose_sum_of_losses_overflows_has_no_mean(client: TestClient) -> None:
    spec = _of(ONE, inputs=[[0.0]] * 3, targets=[[1.2e154]] * 3) | {"learning_rate": 1e-10}
    timeline = Timeline(parse_spec(spec))
    assert math.isfinite(timeline.record(2).loss)
    assert timeline.history()["epochs"] == [{"epoch": 0, "train": None, "test": None}]
    identity = client.post("/api/sessions", json=spec).json()["id"]
    client.post(f"/api/sessions/{identity}/commands", json={"do": "seek", "step": 2})
    assert client.get(f"/api/sessions/{identity}/history").status_code == 200
    assert client.get(f"/api/sessions/{identity}/figures/loss").status_code == 200


def test_too_many_reads_are_told_when_to_come_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = client.post("/api/sessions", json=ONE).json()["id"]
    monkeypatch.setattr(Turns, "_take", _full)
    url = f"/api/sessions/{identity}/steps/0/chain"
    reply = client.get(url, params={"parameter": "w1.1.1"})
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
    assert reply.json()["error"]["code"] == "too_many_reads"
    assert "RETRACE_READS_WAITING" in reply.json()["error"]["message"]


async def _full(turns: Turns, _: str) -> None:
    raise turns._too_many()


class Counting(list[Any]):
    def __init__(self, *items: Any) -> None:
        super().__init__(items)
        self.looked_at = 0

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.looked_at += 1
            yield item


@pytest.mark.parametrize(
    "value", [[1, "a", {"b": [None, 2.5]}], {}, [], {"a": {}, "b": [[]]}, "it's", math.inf, True]
)
def test_what_is_refused_is_told_as_python_writes_it(value: Any) -> None:
    assert shown(value) == repr(value)


def test_of_what_is_refused_no_more_is_written_out_than_is_told() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    many = Counting(*range(100_000))
    for value, start in ((deep, "[[["), (many, "[0, 1,"), ({"k" * 9_999: many}, "{'kkk")):
        assert shown(value).startswith(start)
        assert (len(shown(value)), shown(value)[-1]) == (120, "…")
    assert 0 < many.looked_at < 500
