"""The figures say what the run says."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from app.refusal import Refused
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.web.charts import MOST_BARS, gradient_figure, loss_figure
from app.web.contours import surface_figure
from app.wire.explain import loss_around
from app.wire.landscape import surface_json

DATA = {
    "inputs": [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6], [-0.7, 0.8], [0.9, 1.0]],
    "targets": [[0.3], [0.1], [0.7], [-0.1], [0.9]],
    "test_fraction": 0.4,
}


def _timeline(hidden: int = 3, **more: Any) -> Timeline:
    layers = [{"units": hidden}, {"units": 1, "activation": "identity"}]
    return Timeline(parse_spec({"dataset": DATA, "layers": layers, **more}))


def _traces(timeline: Timeline) -> dict[str, Any]:
    figure = loss_figure(timeline.history(), timeline.layout(), timeline.furthest, "light")
    return {trace["name"]: trace for trace in figure["data"]}


def test_the_loss_of_every_step_and_of_every_epoch() -> None:
    timeline = _timeline()
    losses = [timeline.record(step).loss for step in range(8)]
    traces = _traces(timeline)
    assert traces["batch loss of a step"]["x"] == list(range(8))
    assert traces["batch loss of a step"]["y"] == losses
    train = traces["training rows, mean of the epoch"]
    assert train["x"] == [1, 4, 6.5], "in the middle of its steps, also for the one under way"
    np.testing.assert_allclose(
        train["y"], [np.mean(losses[:3]), np.mean(losses[3:6]), np.mean(losses[6:])], rtol=1e-12
    )
    held_out = traces["held-out rows"]
    assert held_out["x"] == [0, 3, 6]
    assert held_out["y"] == [timeline.record(step).test_loss for step in (0, 3, 6)]


@pytest.mark.parametrize(
    ("phase", "names"),
    [
        (3, []),
        (4, ["w2.1.1", "w2.2.1", "w2.3.1", "b2.1"]),
        (5, [f"w1.{i}.{j}" for i in (1, 2) for j in (1, 2, 3)] + ["b1.1", "b1.2", "b1.3"]),
    ],
)
def test_the_gradient_shows_what_is_revealed(phase: int, names: list[str]) -> None:
    timeline = _timeline()
    record = timeline.record(2)
    figure = gradient_figure(record, timeline.network, phase, "dark")
    assert figure["of"] == figure["shown"]
    if not names:
        assert figure["data"] == []
        return
    bars = dict(zip(figure["data"][0]["x"], figure["data"][0]["y"], strict=True))
    colours = figure["data"][0]["marker"]["color"]
    for value, colour in zip(bars.values(), colours, strict=True):
        assert colour == ("#ff9e4a" if value > 0 else "#62bdf5")
    for name in names:
        assert bars[name] == record.gradient[timeline.network.parameter_index(name)]
    assert len(bars) == (4 if phase == 4 else 13)


def test_biases_that_are_not_trained_have_no_bar() -> None:
    timeline = _timeline(train_biases=False)
    figure = gradient_figure(timeline.record(0), timeline.network, 6, "light")
    assert all(name.startswith("w") for name in figure["data"][0]["x"])


def test_many_bars_are_the_largest_in_their_order() -> None:
    timeline = _timeline(hidden=150)
    record = timeline.record(0)
    figure = gradient_figure(record, timeline.network, 6, "light")
    assert (figure["shown"], figure["of"]) == (MOST_BARS, timeline.network.parameter_count)
    bars = figure["data"][0]
    indices = [timeline.network.parameter_index(name) for name in bars["x"]]
    assert indices == sorted(indices)
    left_out = np.delete(np.abs(record.gradient), indices)
    assert left_out.max() <= np.abs(bars["y"]).min()


def test_unknown_theme_and_phase_are_refused() -> None:
    timeline = _timeline()
    with pytest.raises(Refused, match="theme: expected one of light, dark, got 'blue'"):
        gradient_figure(timeline.record(0), timeline.network, 6, "blue")
    with pytest.raises(Refused, match="phase: expected a phase from 0 to 6, got 7"):
        gradient_figure(timeline.record(0), timeline.network, 7, "light")


def _luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(over: str, under: str, share: float) -> str:
    pairs = ((int(over[k : k + 2], 16), int(under[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_numbers_on_contours_can_be_read_and_the_update_is_on_top(theme: str) -> None:
    timeline = _timeline()
    surface = surface_json(timeline.record(0), timeline.network, ("w1.1.1", "w2.1.1"), [])
    figure = surface_figure(surface, theme)
    contours, *marks = figure["data"]
    assert "opacity" not in contours
    numbers = figure["layout"]["annotations"]
    assert len(numbers) > 5
    for number in numbers:
        for _, beneath in contours["colorscale"]:
            seen = (number["font"]["color"], number["bgcolor"])  # through both shows the contour
            parts = (_mixed(colour, beneath, number["opacity"]) for colour in seen)
            dark, light = sorted(map(_luminance, parts))
            assert (light + 0.05) / (dark + 0.05) > 4.5
    update, now = marks[-2:]
    assert (update["name"], now["name"]) == ("update", "now")
    # Long enough for its whole head to be outside the start: a tenth of the axes.
    (x, y), side = ((m[1] - m[0] for m in (update["x"], update["y"])), surface["x_values"])
    assert math.hypot(x, y) >= 0.0999 * (side[-1] - side[0])
    assert update["marker"]["size"] == [0, 17]


def test_arrows_of_huge_gradients_stay_on_the_axes() -> None:
    surface = {
        "x": "w1.1.1",
        "y": "w2.1.1",
        "x_values": [-1e154, 1e154],
        "y_values": [-1e154, 1e154],
        "losses": [[None, None], [None, None]],
        "at": [1.0, 0.0],
        "gradient": [3e300, -4e300],
        "next": [-9e153, 9e153],
        "trail": [],
    }
    figure = surface_figure(surface, "light")
    json.dumps(figure, allow_nan=False)
    assert [trace["type"] for trace in figure["data"]] == ["scatter"] * 7
    arrow = next(trace for trace in figure["data"] if trace["name"] == "gradient, uphill")
    assert (arrow["x"][1], arrow["y"][1]) == pytest.approx((5.4e153, -7.2e153))


def _surface(**more: Any) -> tuple[Timeline, dict[str, Any]]:
    timeline = _timeline(**more)
    names = ("w1.1.1", "w2.1.1")
    return timeline, surface_json(timeline.record(0), timeline.network, names, [])


def test_contours_bear_their_numbers_where_the_loss_is_that_and_no_mark_stands() -> None:
    timeline, surface = _surface()
    # Where numbers would stand: an arrow along the lowest of them, a way over the others.
    free = surface_figure(surface, "light")["layout"]["annotations"]
    places = sorted(([n["x"], n["y"]] for n in free), key=lambda place: place[::-1])
    surface |= {"at": places[0], "next": places[3], "trail": [[0, *p] for p in places[4:]]}
    figure = surface_figure(surface, "light")
    assert figure["layout"]["annotations"]
    x, y = (timeline.network.parameter_index(name) for name in ("w1.1.1", "w2.1.1"))
    around = loss_around(timeline.record(0), timeline.network)
    axes = [figure["layout"][axis]["range"] for axis in ("xaxis", "yaxis")]
    sides = [high - low for low, high in axes]
    for number in figure["layout"]["annotations"]:
        ((loss,),) = around.losses_over(x, y, np.array([number["x"]]), np.array([number["y"]]))
        assert float(number["text"]) == pytest.approx(loss, rel=1e-3)
        for trace in figure["data"][1:]:
            places = list(zip(trace["x"], trace["y"], strict=True))
            if trace["name"] == "update":
                (x1, y1), (x2, y2) = places
                places += [(x1 + k / 8 * (x2 - x1), y1 + k / 8 * (y2 - y1)) for k in range(1, 8)]
            for place in places:
                away = [abs(number[k] - p) / s for k, p, s in zip("xy", place, sides, strict=True)]
                assert away[0] > 0.09 or away[1] > 0.05


def test_the_picture_is_wide_and_holds_all_that_is_drawn() -> None:
    _, surface = _surface()
    figure = surface_figure(surface, "light")
    (left, right), (low, high) = (figure["layout"][axis]["range"] for axis in ("xaxis", "yaxis"))
    assert right - left == pytest.approx(1.6 * (high - low))
    (west, east), (south, north) = (
        (v[0], v[-1]) for v in (surface["x_values"], surface["y_values"])
    )
    x, y = surface["at"]
    corner = [east - 0.01 * (east - west), north - 0.01 * (north - south)]
    for more in (
        {},
        {"next": [x, y + 0.9 * (north - y)]},
        {"trail": [[0, x, y - 0.9 * (y - south)]]},
        {"at": corner, "gradient": [1.0, 1.0]},
    ):
        figure = surface_figure({**surface, **more}, "light")
        ends = (figure["layout"][axis]["range"] for axis in ("xaxis", "yaxis"))
        (left, right), (low, high) = ends
        for trace in figure["data"][1:]:
            assert all(left <= x <= right for x in trace["x"]), more
            assert all(low <= y <= high for y in trace["y"]), more


def test_a_gradient_of_0_has_no_arrow_and_neither_has_an_update() -> None:
    _, surface = _surface()
    still = {**surface, "gradient": [0.0, 0.0], "next": surface["at"]}
    names = [trace["name"] for trace in surface_figure(still, "light")["data"] if "name" in trace]
    assert names == ["run so far", "next point", "now"]
    assert surface_figure(still, "light")["update"] is None
    flat = {**still, "losses": [[0.5 for _ in row] for row in surface["losses"]]}
    json.dumps(surface_figure(flat, "light"), allow_nan=False)


@pytest.mark.parametrize(("share", "seen"), [(0.09, "whole"), (0.05, "whole"), (0.01, "short")])
def test_a_head_is_shorter_than_its_arrow_or_there_is_none(share: float, seen: str) -> None:
    """On the smallest screen the picture is 250 pixels wide; "now" hides 4.5 of an arrow."""
    _, surface = _surface()
    (x, y), axis = surface["at"], surface["x_values"]
    far = share * (axis[-1] - axis[0])
    surface["next"] = [x - 0.6 * far, y - 0.8 * far]
    figure = surface_figure(surface, "light")
    update = _named(figure, "update")
    assert [update["x"][1], update["y"][1]] == surface["next"]
    assert figure["update"] == seen
    assert update["mode"] == ("lines+markers" if seen == "whole" else "lines")
    if seen == "whole":
        assert 6 <= update["marker"]["size"][1] <= 250 * share - 4.4


def _named(figure: dict[str, Any], name: str) -> dict[str, Any]:
    (trace,) = (trace for trace in figure["data"] if trace.get("name") == name)
    return dict(trace)


def test_arrows_that_end_at_the_pictures_side_keep_their_direction() -> None:
    _, surface = _surface()
    (x, y), east = surface["at"], surface["x_values"][-1]
    surface |= {"at": [east - 1e-3, y], "gradient": [4.0, 2.0], "next": [x - 1e200, y - 3e200]}
    figure = surface_figure(surface, "light")
    left, right = figure["layout"]["xaxis"]["range"]
    low, high = figure["layout"]["yaxis"]["range"]
    assert right - left == pytest.approx(1.6 * (high - low)), "what is not seen widens nothing"
    ways = {}
    for name in ("gradient, uphill", "update"):
        arrow = _named(figure, name)
        ways[name] = [arrow[axis][1] - arrow[axis][0] for axis in "xy"]
    assert ways["gradient, uphill"] == pytest.approx([1e-3, 0.5e-3])
    assert ways["update"] == pytest.approx([(low - y) / 3, low - y])
    assert figure["update"] == "cut"
    assert _named(figure, "update")["mode"] == "lines", "it does not end there"
    assert "next point" not in [trace.get("name") for trace in figure["data"]]
