"""What explains a step, over HTTP: the house by hand, trials, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.maths.network import Network
from app.refusal import Refused
from app.timeline.edits import Edit
from app.timeline.phases import Cursor
from app.timeline.presets import HOUSE
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.frames import HEADER, View, encode_frame
from tests.nets import SMALL


@pytest.fixture
def house(client: TestClient) -> str:
    identity = client.post("/api/sessions", json=HOUSE).json()["id"]
    return f"/api/sessions/{identity}/steps/0"


def test_the_chain_of_the_house_is_the_one_by_hand(client: TestClient, house: str) -> None:
    found: Any = client.get(f"{house}/chain", params={"parameter": "w1.1.1"}).json()
    assert (found["value"], found["derivative"], found["batch_derivative"]) == (0.25, 2.0, 2.0)
    (path,) = found["paths"]
    said = [(f["symbol"], f["formula"], f["value"], f["at"]) for f in path["factors"]]
    assert said == [
        ("∂E/∂ŷ", "ŷ − y", 0.5, "2.1"),
        ("∂ŷ/∂z²₁", "1", 1.0, "2.1"),
        ("w²₁₁", "w", 2.0, "w2.1.1"),
        ("∂h₁/∂z¹₁", "1", 1.0, "1.1"),
        ("x₁", "a", 2.0, "0.1"),
    ]
    assert path["product"] == 2.0
    assert found["relative_gap"] < 1e-8
    assert found["update"]["learning_rate"] == 0.05
    assert found["update"]["new_value"] == pytest.approx(0.15)
    length = math.sqrt(4 + 1 + 0.375**2)
    assert found["gradient"]["length"] == pytest.approx(length)
    assert found["gradient"]["share"] == pytest.approx(4 / length**2)
    assert found["gradient"]["rank"] == 1


def test_the_slice_of_the_house_is_its_parabola(client: TestClient, house: str) -> None:
    found = client.get(f"{house}/slice", params={"parameter": "w2.1.1"}).json()
    for w, loss in zip(found["values"], found["losses"], strict=True):
        assert loss == pytest.approx(0.5 * (0.75 * w - 1) ** 2, abs=1e-12)
    assert (found["at"], found["slope"], found["next"]) == (2.0, 0.375, 1.98125)
    widths = [1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001, 0.0000001, 0.00000001]
    assert [wiggle["h"] for wiggle in found["wiggle"]] == widths
    assert [landing["multiple"] for landing in found["landings"]] == [0.1, 1, 3, 10]
    assert found["landings"][1]["loss"] == pytest.approx(0.5 * (0.75 * 1.98125 - 1) ** 2)


def test_check_and_surface_of_the_house(client: TestClient, house: str) -> None:
    found = client.get(f"{house}/check").json()
    assert (found["agree"], found["checked"], found["next"]) == (5, 5, None)
    found = client.get(f"{house}/surface", params={"x": "w1.1.1", "y": "w2.1.1"}).json()
    assert (found["at"], found["gradient"]) == ([0.25, 2.0], [2.0, 0.375])
    url = house.replace("steps/0", "figures/surface")
    figure = client.get(url, params={"step": 0, "x": "w1.1.1", "y": "w2.1.1"}).json()
    contours, *marks = figure["data"]
    assert (contours["type"], {mark["type"] for mark in marks}) == ("contour", {"scatter"})
    assert contours["z"] == found["losses"]


def test_parts_of_a_check_follow_each_other(client: TestClient, house: str) -> None:
    parts, first = [], 0
    while first is not None:
        parts.append(client.get(f"{house}/check", params={"first": first, "count": 2}).json())
        first = parts[-1]["next"]
    assert [part["checked"] for part in parts] == [2, 2, 1]


def test_a_float32_run_is_checked_by_its_own_tolerance(client: TestClient) -> None:
    spec = {**SMALL, "precision": "float32"}
    url = f"/api/sessions/{client.post('/api/sessions', json=spec).json()['id']}/steps/4"
    found = client.get(f"{url}/check").json()
    assert (found["agree"], found["tolerance"]) == (found["parameters"], 1e-2)
    chain = client.get(f"{url}/chain", params={"parameter": "w1.2.3"}).json()
    assert chain["difference"]["agrees"] is chain["batch_difference"]["agrees"] is True
    assert chain["relative_gap"] > 1e-9


def test_a_check_of_more_than_500_parameters_goes_on_where_it_stopped(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.explain.CHECK_SECONDS", 60.0)
    rng = np.random.default_rng(2)
    data = {"inputs": rng.normal(size=(6, 12)), "targets": rng.uniform(size=(6, 10))}
    spec = {
        "dataset": {name: table.tolist() for name, table in data.items()},
        "layers": [{"units": 40, "activation": "relu"}, {"units": 10, "activation": "sigmoid"}],
        "batch_size": 4,
    }
    url = f"/api/sessions/{client.post('/api/sessions', json=spec).json()['id']}/steps/3/check"
    parts, first = [], 0
    while first is not None:
        parts.append(client.get(url, params={"first": first}).json())
        first = parts[-1]["next"]
    assert [(part["first"], part["checked"]) for part in parts] == [(0, 500), (500, 430)]
    assert sum(part["agree"] + len(part["kinks"]) for part in parts) == 930
    assert all(part["different"] == part["overflows"] == [] for part in parts)


def test_a_check_without_time_still_gets_to_its_end(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.explain.CHECK_SECONDS", 0.0)
    monkeypatch.setattr("app.web.explain.CHECK_BEGINNINGS", 0)
    identity = client.post("/api/sessions", json={}).json()["id"]
    parts: list[dict[str, Any]] = []
    first: int | None = 0
    while first is not None:
        query = {"first": first}
        reply = client.get(f"/api/sessions/{identity}/steps/0/check", params=query)
        parts.append(reply.json())
        first = parts[-1]["next"]
    assert sum(part["checked"] for part in parts) == parts[0]["parameters"] == 16
    assert len(parts) > 1


@pytest.mark.parametrize(
    ("path", "field", "expected"),
    [
        ("chain?parameter=w9.1.1", "parameter", "w1.1.1 to w1.2.1"),
        ("chain?parameter=b2.7", "parameter", "expected b2.1, got 'b2.7'"),
        (
            "chain?parameter=nonsense",
            "parameter",
            "one of w1.1.1 to w1.2.1, b1.1, w2.1.1, b2.1, got",
        ),
        ("chain", "parameter", ""),
        ("chain?parameter=w1.1.1&example=1", "example", "0 to 0"),
        ("slice?parameter=w1.3.1", "parameter", "w1.1.1 to w1.2.1"),
        ("surface?x=w1.1.1&y=w1.1.1", "y", "another parameter"),
        ("surface?x=w1.1.1&y=w9.1.1", "y", "w1.1.1 to w1.2.1"),
        ("surface?x=nonsense&y=w1.1.1", "x", "one of w1.1.1 to w1.2.1, b1.1, w2.1.1, b2.1, got"),
        ("check?first=5", "first", "5 parameters"),
        ("check?count=501", "count", "1 to 500"),
        ("check?count=-1", "count", "whole number"),
        ("check?first=9999999999", "first", "from 0 to 999,999,999, in nine digits at most, got"),
        ("chain?parameter=w1.1.1&example=00000000001", "example", "from 0 to 999,999,999, in nine"),
        ("trial?parameter=w9.1.1&value=1", "parameter", "w1.1.1 to w1.2.1"),
        ("trial?parameter=w1.1.1", "value", ""),
        ("trial?parameter=w1.1.1&value=1&example=1", "example", "0 to 0"),
        ("trial?parameter=w1.1.1&value=1&phase=7", "phase", "0 to 6"),
        ("trial?parameter=w1.1.1&value=1&phase=x", "phase", "whole number"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    client: TestClient, house: str, path: str, field: str, expected: str
) -> None:
    reply = client.get(f"{house}/{path}")
    assert reply.status_code == 422
    error = reply.json()["error"]
    assert error["field"] == field
    assert expected in error["message"]


@pytest.mark.parametrize(
    ("sizes", "name", "expected"),
    [
        ((3, 3, 1), "w1.9.1", "one of w1.1.1 to w1.3.3"),
        ((3, 3, 1), "w2.1.2", "one of w2.1.1 to w2.3.1"),
        ((3, 3, 1), "b1.9", "one of b1.1 to b1.3"),
        ((3, 2), "w2.1.1", "one of w1.1.1 to w1.3.2, b1.1 to b1.2"),
        ((3, 2), "b0.1", "one of w1.1.1 to w1.3.2, b1.1 to b1.2"),
        ((3, 2), "w1.1", "one of w1.1.1 to w1.3.2, b1.1 to b1.2"),
        (
            (4, 3, 3, 3, 2),
            "w9.1.1",
            "one of w1.1.1 to w1.4.3, b1.1 to b1.3, …, w4.1.1 to w4.3.2, b4.1 to b4.2",
        ),
        ((4, 3, 3, 3, 2), "b3.4", "one of b3.1 to b3.3"),
        (
            (2,) * 17,
            "nonsense",
            "one of w1.1.1 to w1.2.2, b1.1 to b1.2, …, w16.1.1 to w16.2.2, b16.1 to b16.2",
        ),
    ],
)
def test_an_unknown_parameter_is_told_which_are_nearby(
    sizes: tuple[int, ...], name: str, expected: str
) -> None:
    network = Network(sizes, ("tanh",) * (len(sizes) - 1), "half_squared_error")
    with pytest.raises(Refused) as refused:
        network.parameter_index(name)
    assert (refused.value.field, refused.value.value) == ("parameter", name)
    assert refused.value.expected == expected


def test_every_parameter_has_one_name_and_one_place() -> None:
    network = Network((2, 4, 3, 1), ("tanh",) * 3, "half_squared_error")
    names = [network.parameter_name(index) for index in range(network.parameter_count)]
    assert [network.parameter_index(name) for name in names] == list(range(len(names)))
    assert (network.place("w2.4.1"), network.place("b3.1")) == ((2, 4, 1), (3, None, 1))


@pytest.mark.parametrize(
    ("path", "key", "known"),
    [
        ("/steps/0", "exmaple", "example"),
        ("/steps/0/chain", "paramter", "parameter, example"),
        ("/steps/0/slice", "example", "parameter, reach"),
        ("/steps/0/surface", "z", "x, y"),
        ("/steps/0/check", "parameter", "first, count"),
        ("/steps/0/trial", "step", "parameter, value, example, phase"),
        ("/figures/loss", "colour", "theme"),
    ],
)
def test_a_key_that_is_not_known_is_refused_and_those_that_are_named(
    client: TestClient, house: str, path: str, key: str, known: str
) -> None:
    house = house.removesuffix("/steps/0")
    needed = {"parameter": "w1.1.1", "value": 0.5, "x": "w1.1.1", "y": "w2.1.1"}
    asked = {name: needed[name] for name in known.split(", ") if name in needed}
    assert client.get(house + path, params=asked).status_code == 200
    for query in ({**asked, key: "2"}, {key: "2"}):
        reply = client.get(house + path, params=query)
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], error["field"]) == (422, "unknown_key", key)
        assert (error["value"], error["expected"]) == ("2", f"no such key; known are {known}")


def test_a_step_beyond_the_last_is_refused(client: TestClient, house: str) -> None:
    url = house.replace("steps/0", "steps/1000001")
    reply = client.get(f"{url}/chain", params={"parameter": "w1.1.1"})
    assert reply.status_code == 422
    assert reply.json()["error"]["field"] == "step"


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_trial_is_the_frame_of_a_real_edit_and_changes_nothing(
    client: TestClient, precision: str
) -> None:
    spec = {**SMALL, "precision": precision}
    url = f"/api/sessions/{client.post('/api/sessions', json=spec).json()['id']}"
    before = [client.get(f"{url}{path}").json() for path in ("", "/steps/4", "/history")]
    asked = {"parameter": "w1.2.3", "value": "-0.4", "example": "1", "phase": "2"}
    reply = client.get(f"{url}/steps/4/trial", params=asked)
    assert reply.headers["content-type"] == "application/octet-stream"
    edited = Timeline(parse_spec(spec))
    edited.change(Edit(4, parameter="w1.2.3", value=-0.4))
    view = View(revision=0, cursor=Cursor(4, 2), example=1, furthest=4)
    assert reply.content == encode_frame(edited.record(4), edited.dataset, view)
    assert [client.get(f"{url}{path}").json() for path in ("", "/steps/4", "/history")] == [
        {**before[0], "furthest": 4},
        *before[1:],
    ]


def test_a_trial_without_example_and_phase_is_the_first_example_at_the_last_phase(
    client: TestClient, house: str
) -> None:
    reply = client.get(f"{house}/trial", params={"parameter": "w2.1.1", "value": "1"})
    header = HEADER.unpack_from(reply.content)
    assert (header[4], header[5], header[8], header[14]) == (0, 6, 0, 0.5 * (0.75 - 1) ** 2)


@pytest.mark.parametrize("text", ["1e-3", "+.5", "-2.", "007", "1E2"])
def test_numbers_as_people_write_them_can_be_tried(
    client: TestClient, house: str, text: str
) -> None:
    reply = client.get(f"{house}/trial", params={"parameter": "w2.1.1", "value": text})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    "text",
    ["NaN", "inf", "-Infinity", "1e999", "", "abc", "1_0", " 1", "0x1", "٣", "1,5", "9" * 401],
)
def test_what_is_no_finite_number_cannot_be_tried(
    client: TestClient, house: str, text: str
) -> None:
    reply = client.get(f"{house}/trial", params={"parameter": "w2.1.1", "value": text})
    error = reply.json()["error"]
    assert (reply.status_code, error["field"]) == (422, "value")
    assert error["expected"] == "a finite number"
    assert error["value"] in (text, text[:120])


def test_a_trial_that_overflows_names_the_value(client: TestClient, house: str) -> None:
    reply = client.get(f"{house}/trial", params={"parameter": "w2.1.1", "value": "1e200"})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["field"]) == (422, "not_finite", "value")
    assert (error["value"], error["expected"]) == (1e200, "a value with which step 0 stays finite")


def test_a_slice_reaches_as_far_as_it_is_told(client: TestClient, house: str) -> None:
    query = {"parameter": "w2.1.1", "reach": "0.25"}
    found = client.get(f"{house}/slice", params=query).json()
    assert (found["values"][0], found["values"][-1]) == (1.75, 2.25)
    for reach in ("0", "-1", "wide", "1e10"):
        reply = client.get(f"{house}/slice", params={**query, "reach": reach})
        assert (reply.status_code, reply.json()["error"]["field"]) == (422, "reach")


def test_a_large_trial_is_sent_as_it_lies(client: TestClient) -> None:
    data = {"inputs": [[0.1] * 40, [0.2] * 40], "targets": [[1.0], [0.0]]}
    layers = [{"units": 30}, {"units": 1, "activation": "identity"}]
    identity = client.post("/api/sessions", json={"dataset": data, "layers": layers}).json()["id"]
    url = f"/api/sessions/{identity}/steps/0/trial"
    query = {"parameter": "w1.1.1", "value": "0.5"}
    reply = client.get(url, params=query, headers={"Accept-Encoding": "gzip"})
    assert reply.headers["content-encoding"] == "identity"
    assert int(reply.headers["content-length"]) == len(reply.content) > 20_000


def test_where_every_component_is_0_none_is_the_largest(client: TestClient) -> None:
    spec = {
        "dataset": {"inputs": [[1], [2]], "targets": [[0], [0]]},
        "layers": [{"units": 1, "activation": "identity"}],
        "initial": {"scheme": "zeros"},
        "batch_size": 2,
    }
    base = f"/api/sessions/{client.post('/api/sessions', json=spec).json()['id']}/steps/0"
    assert client.get(f"{base}/chain?parameter=w1.1.1").json()["gradient"] == {
        "length": 0,
        "share": 0,
        "rank": None,
        "largest": None,
        "largest_value": None,
        "largest_example": None,
    }
