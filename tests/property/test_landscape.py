"""The curve of the loss along one parameter: how far it reaches, and where it has to end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from app.maths.passes import Passes, with_ones
from app.timeline.presets import HOUSE
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.explain import loss_around
from app.wire.landscape import slice_json, surface_json


def _one_weight(
    x: float, w: float, y: float, rate: float, bias: float = 0.0, activation: str = "identity"
) -> Timeline:
    spec = {
        "dataset": {"inputs": [[x]], "targets": [[y]]},
        "layers": [{"units": 1, "activation": activation}],
        "initial": {"weights": [[[w]]], "biases": [[bias]]},
        "learning_rate": rate,
    }
    return Timeline(parse_spec(spec))


def _slice(timeline: Timeline, step: int = 0, name: str = "w1.1.1", **more: Any) -> dict[str, Any]:
    return slice_json(timeline.record(step), timeline.network, name, **more)


def _loss(timeline: Timeline, step: int, name: str, value: float) -> float:
    """The step's loss with one parameter set, by a whole forward pass."""
    record, network = timeline.record(step), timeline.network
    moved = record.parameters.copy()
    moved[network.parameter_index(name)] = value
    passes = Passes(network, len(record.rows), np.float64)
    with np.errstate(all="ignore"):
        return passes.loss(moved, with_ones(record.inputs), record.targets)


@pytest.mark.parametrize("x", [1.0, 1656.0, 1e6])
def test_by_default_a_curve_holds_every_landing(x: float) -> None:
    found = _slice(_one_weight(x, 0.1, 150_000.0, 0.05))
    assert found["cut"] == []
    for value in (found["next"], *(landing["value"] for landing in found["landings"])):
        assert found["values"][0] < value < found["values"][-1]


def test_a_curve_that_ends_before_a_landing_says_that_the_loss_overflows() -> None:
    timeline = Timeline(parse_spec({**HOUSE, "learning_rate": 0.3}))
    for index in range(timeline.network.parameter_count):
        name = timeline.network.parameter_name(index)
        found = _slice(timeline, 7, name)
        ends = {"below": found["values"][0], "above": found["values"][-1]}
        for landing in found["landings"]:
            side = "below" if landing["value"] < found["at"] else "above"
            inside = abs(landing["value"] - found["at"]) <= abs(ends[side] - found["at"])
            assert inside or side in found["cut"], (name, landing)
        _is_cut_where_it_overflows(timeline, 7, name, found)


def _is_cut_where_it_overflows(
    timeline: Timeline, step: int, name: str, found: dict[str, Any]
) -> None:
    at, values = found["at"], found["values"]
    assert at in values
    assert len(values) > 150
    assert all(map(math.isfinite, found["losses"]))
    for side, end in (("below", values[0]), ("above", values[-1])):
        beyond = _loss(timeline, step, name, end + 1e-3 * (end - at))
        assert math.isfinite(beyond) is (side not in found["cut"]), (name, side)


@pytest.mark.parametrize(("rate", "cut"), [(1.0, ["below", "above"]), (0.01, ["above"])])
def test_each_side_of_a_curve_ends_by_itself(rate: float, cut: list[str]) -> None:
    """The square of w overflows from 1.34e154 on, to either side; w stands near the upper end."""
    timeline, most = _one_weight(1.0, 1.3e154, 0.0, rate), math.sqrt(1.797e308)
    found = _slice(timeline)
    assert found["values"][0] < found["next"] < found["values"][-1]
    assert found["cut"] == cut
    _is_cut_where_it_overflows(timeline, 0, "w1.1.1", found)
    assert found["values"][-1] == pytest.approx(most, rel=1e-3)
    far = -most if "below" in cut else 1.3e154 - 11.5 * 1.3e152
    assert found["values"][0] == pytest.approx(far, rel=1e-3)


@pytest.mark.parametrize(
    ("at", "reach"), [(0.5, 1e-17), (0.5, 1e-300), (1e17, None), (-3e200, None)]
)
def test_values_of_a_curve_are_told_apart(at: float, reach: float | None) -> None:
    found = _slice(_one_weight(1.0, at, 0.0, 1e-9, activation="tanh"), reach=reach)
    assert len(set(found["values"])) == len(found["values"]) > 150
    assert found["at"] in found["values"]


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_a_small_value_of_a_huge_parameter_is_a_real_forward_pass(activation: str) -> None:
    """z less 1e9 a, and what is left plus v a: of 0.3 only six digits would be left."""
    timeline = _one_weight(1.0, 1e9, 0.0, 1e-12, bias=0.3, activation=activation)
    found = _slice(timeline, reach=1e9)
    assert found["values"][0] == 0
    b = 0.3 if activation == "identity" else math.tanh(0.3)
    assert found["losses"][0] == pytest.approx(b * b / 2, rel=1e-14)
    for value, loss in list(zip(found["values"], found["losses"], strict=True))[::8]:
        assert loss == pytest.approx(_loss(timeline, 0, "w1.1.1", value), rel=1e-13)
    around = loss_around(timeline.record(0), timeline.network)
    for values in ([0.0, 1.0], [-1e8, 1e-3]):  # over two parameters too
        losses = around.losses_over(0, 1, np.array(values), np.array([0.3]))[0]
        expected = [_loss(timeline, 0, "w1.1.1", value) for value in values]
        assert losses == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("hidden", "rows", "points"),
    [((40, 2), 50, 161), ((60, 60, 60), 100, 39), ((60,) * 9, 200, 21)],
)
def test_a_curve_has_fewer_points_where_many_units_follow_the_parameter(
    hidden: tuple[int, ...], rows: int, points: int
) -> None:
    rng = np.random.default_rng(0)
    spec = {
        "dataset": {"inputs": rng.normal(size=(rows, 2)).tolist(), "targets": [[0.5]] * rows},
        "layers": [
            *({"units": units, "activation": "tanh"} for units in hidden),
            {"units": 1, "activation": "identity"},
        ],
        "batch_size": rows,
        "learning_rate": 1e-4,
    }
    timeline = Timeline(parse_spec(spec))
    assert len(_slice(timeline)["values"]) == points
    last = f"w{len(hidden) + 1}.1.1"  # nothing follows but the output
    assert len(_slice(timeline, 0, last)["values"]) == 161


def _two_weights(x: float, rate: float, first: float = 1.0) -> dict[str, Any]:
    identity = {"units": 1, "activation": "identity"}
    spec = {
        "dataset": {"inputs": [[x]], "targets": [[0.0]]},
        "layers": [identity, identity],
        "initial": {"weights": [[[first]], [[1.0]]], "biases": [[0.0], [0.0]]},
        "learning_rate": rate,
        "train_biases": False,
    }
    timeline = Timeline(parse_spec(spec))
    return surface_json(timeline.record(0), timeline.network, ("w1.1.1", "w2.1.1"), [])


def test_where_the_loss_overflows_as_far_as_the_update_it_is_drawn_around_the_point() -> None:
    found = _two_weights(3e76, 1e-76)
    assert found["next"][0] < -1e76
    for axis in (found["x_values"], found["y_values"]):
        assert (axis[0], axis[-1]) == pytest.approx((0.9, 1.1))
    losses = np.array(found["losses"], float)
    middle = len(losses) // 2
    assert np.isfinite(losses).all()
    assert losses[middle, middle] == pytest.approx(4.5e152)


def test_values_on_the_axes_of_a_surface_are_told_apart() -> None:
    found = _two_weights(1e-17, 1e-30, first=1e17)
    for axis in (found["x_values"], found["y_values"]):
        assert len(set(axis)) == len(axis)
