"""The worked examples that a reader may bring, digit for digit through the HTTP contract."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.timeline.presets import HOUSE

MAZUR: dict[str, Any] = {
    "dataset": {"inputs": [[0.05, 0.10]], "targets": [[0.01, 0.99]]},
    "layers": [{"units": 2, "activation": "sigmoid"}, {"units": 2, "activation": "sigmoid"}],
    "initial": {
        "weights": [[[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]],
        "biases": [[0.35, 0.35], [0.60, 0.60]],
    },
    "train_biases": False,
    "learning_rate": 0.5,
}
HAN: dict[str, Any] = {
    "dataset": {"inputs": [[1, 0, 1]], "targets": [[1]]},
    "layers": [{"units": 2, "activation": "sigmoid"}, {"units": 1, "activation": "sigmoid"}],
    "initial": {
        "weights": [[[0.2, -0.3], [0.4, 0.1], [-0.5, 0.2]], [[-0.3], [-0.2]]],
        "biases": [[-0.4, 0.2], [0.1]],
    },
    "learning_rate": 0.9,
}


def _session(client: TestClient, spec: dict[str, Any]) -> str:
    reply = client.post("/api/sessions", json=spec)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def _step(client: TestClient, identity: str, step: int) -> dict[str, Any]:
    reply = client.get(f"/api/sessions/{identity}/steps/{step}")
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def test_the_house_is_exact(client: TestClient) -> None:
    first = _step(client, identity := _session(client, HOUSE), 0)
    assert first["units"]["prediction"] == [150_000]
    assert first["units"]["targets"] == [100_000]
    assert first["prediction"] == [1.5]
    assert first["loss"] == 0.125
    hidden, output = first["layers"]
    assert hidden["weight_gradients"] == [[2], [1]]
    assert output["weight_gradients"] == [[0.375]]
    assert (output["delta"], hidden["delta"]) == ([0.5], [1])
    assert output["new_weights"] == [[1.98125]]
    assert hidden["new_weights"] == [[0.15], [0.2]]
    second = _step(client, identity, 1)
    assert second["units"]["prediction"] == [99_062.5]
    assert second["prediction"] == [0.990625]


def test_the_house_agrees_with_exact_fractions_for_three_steps(client: TestClient) -> None:
    identity = _session(client, HOUSE)
    w1, w2 = [Fraction(1, 4), Fraction(1, 4)], Fraction(2)
    for t in range(4):
        h = 2 * w1[0] + w1[1]
        prediction = h * w2
        found = _step(client, identity, t)["units"]["prediction"][0]
        assert found == pytest.approx(float(prediction * 100_000), rel=1e-14)
        e = prediction - 1
        slopes = [e * w2 * 2, e * w2]
        w1 = [w - slope / 20 for w, slope in zip(w1, slopes, strict=True)]
        w2 -= e * h / 20
    assert [round(_step(client, identity, t)["units"]["prediction"][0], 2) for t in (2, 3)] == [
        99_994.33,
        99_999.97,
    ]


@pytest.mark.parametrize(
    ("rate", "steps"), [(0.01, 28), (0.02, 13), (0.05, 2), (0.08, 12), (0.1, 40), (0.15, 11)]
)
def test_steps_until_the_house_is_within_100_dollars(
    client: TestClient, rate: float, steps: int
) -> None:
    identity = _session(client, {**HOUSE, "learning_rate": rate})
    away = [
        abs(_step(client, identity, t)["units"]["prediction"][0] - 100_000)
        for t in range(steps + 1)
    ]
    assert [t for t, gap in enumerate(away) if gap <= 100] == [steps]


def test_mazurs_2_2_2_and_not_its_printed_mistake(client: TestClient) -> None:
    first = _step(client, identity := _session(client, MAZUR), 0)
    assert round(first["loss"], 9) == 0.298371109
    hidden, output = first["layers"]
    assert round(output["weight_gradients"][0][0], 9) == 0.082167041
    new = [round(w, 9) for layer in (hidden, output) for w in _columns(layer["new_weights"])]
    assert new == [
        0.149780716, 0.199561432, 0.249751144, 0.299502287,
        0.358916480, 0.408666186, 0.511301270, 0.561370121,
    ]  # fmt: skip
    assert hidden["new_biases"] == [0.35, 0.35]
    assert round(_step(client, identity, 1)["loss"], 9) == 0.291027774


def test_hans_3_2_1_rounded_as_in_the_book(client: TestClient) -> None:
    first = _step(client, _session(client, HAN), 0)
    hidden, output = first["layers"]
    assert [round(a, 3) for a in (*hidden["a"], *output["a"])] == [0.332, 0.525, 0.474]
    expected = {(0, 0): 0.192, (0, 1): -0.306, (2, 0): -0.508, (2, 1): 0.194}
    for (source, to), weight in expected.items():
        # the book carries three decimals from step to step, so its last one may differ
        assert hidden["new_weights"][source][to] == pytest.approx(weight, abs=1.1e-3)
    found = [output["new_weights"][0][0], output["new_weights"][1][0], *output["new_biases"]]
    assert found == pytest.approx([-0.261, -0.138, 0.218], abs=1.1e-3)
    assert hidden["new_biases"] == pytest.approx([-0.408, 0.194], abs=1.1e-3)


def _columns(matrix: list[list[float]]) -> list[float]:
    return [row[k] for k in range(len(matrix[0])) for row in matrix]
