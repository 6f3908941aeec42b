"""The loss over two weights as a Plotly figure: contours, the way so far, and two arrows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.web.arrows import NOW, arrows_of, halos_of, how_seen, is_inside, points_along
from app.web.charts import Figure, colours_of, layout_of
from app.wire.symbols import parameter_symbol

Array = NDArray[Any]
Place = tuple[float, float]
ASPECT = 1.6  # how much wider than high the picture is, where what is seen allows it
_LEVELS = 12
_MOST_NUMBERS = 14
_APART = (0.15, 0.075)  # two numbers on contours, as shares of the picture's sides
_CLEAR = (0.1, 0.06)  # a number and what is drawn over the contours
_FIRST = 1  # in the legend, before those of rank 1000
_STEPS = (1, 2, 2.5, 5, 10)  # between two contours, times a power of ten


def surface_figure(surface: dict[str, Any], theme: str) -> Figure:
    """Return contours of the loss over two parameters, the way so far, and two arrows.

    Both axes have one scale, so that the gradient stands at right angles to the contours. It points
    uphill and its length says nothing: it is drawn long enough to be seen. The update is true, and
    `update` tells what is seen of it.
    """
    colours = colours_of(theme)
    ends = _ends(surface)
    way = [place[1:] for place in surface["trail"]] + [surface["at"]]
    arrows = arrows_of(surface, ends, colours)
    seen = [*way, *(place for arrow in arrows for place in points_along(arrow)), surface["next"]]
    layout = layout_of(parameter_symbol(surface["x"]), parameter_symbol(surface["y"]), colours)
    layout["xaxis"].update(range=ends[0], rangemode="normal", constrain="domain")
    layout["yaxis"].update(range=ends[1], rangemode="normal", constrain="domain", scaleanchor="x")
    layout["legend"] = {"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0}
    layout["legend"]["font"] = {"size": 11}
    layout["margin"] = {"l": 44, "r": 4, "t": 4, "b": 34}
    layout["dragmode"] = False  # a finger on it scrolls the page
    contours: list[Figure] = []
    if _has_contours(surface):
        levels = _levels(surface, ends)
        contours = [_contours(surface, levels, colours)]
        layout["annotations"] = [
            _number(place, level, colours) for place, level in _numbers(surface, levels, ends, seen)
        ]
    after = [_after(surface["next"], colours)] if is_inside(surface["next"], ends) else []
    marks = [_trail(way, colours), *halos_of(arrows, colours), *after, *arrows]
    data = [*contours, *marks, _now(surface["at"], colours)]
    told = {"gradient": surface["gradient"], "update": how_seen(surface, arrows, ends)}
    return {"data": data, "layout": layout, **told}


def _ends(surface: dict[str, Any]) -> list[list[float]]:
    """Return both axes' ends: all of x, and of y what makes it wide, or shows all marks."""
    (left, right), (low, high) = ((v[0], v[-1]) for v in (surface["x_values"], surface["y_values"]))
    middle, half = low / 2 + high / 2, high / 2 - low / 2
    seen = [surface["at"][1], surface["next"][1], *(place[2] for place in surface["trail"])]
    most = max((abs(y - middle) for y in seen if low <= y <= high), default=0.0)
    reach = min(half, max(half / ASPECT, 1.3 * most))
    return [[left, right], [middle - reach, middle + reach]]


def _has_contours(surface: dict[str, Any]) -> bool:
    """Tell whether there are finite losses over more than a point: the library fails on others."""
    axes = (surface["x_values"], surface["y_values"])
    finite = any(loss is not None for row in surface["losses"] for loss in row)
    return finite and all(axis[0] < axis[1] for axis in axes)


def _levels(surface: dict[str, Any], ends: list[list[float]]) -> list[float]:
    """Return the losses at which contours are drawn: round numbers between those that are seen."""
    rows = np.array(surface["y_values"])
    inside = (rows >= ends[1][0]) & (rows <= ends[1][1])
    losses = np.array(surface["losses"], float)[inside]
    losses = losses[np.isfinite(losses)]
    if not losses.size or not (low := float(losses.min())) < (high := float(losses.max())):
        return []
    rough = high / _LEVELS - low / _LEVELS
    unit = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 0.0
    if not unit or not math.isfinite(high / unit) or low + unit == low:
        return []
    step = next(unit * times for times in _STEPS if unit * times >= rough)
    first = math.ceil(low / step)
    return [k * step for k in range(first, first + _LEVELS + 2) if k * step <= high]


def _contours(surface: dict[str, Any], levels: list[float], colours: dict[str, str]) -> Figure:
    trace: Figure = {
        "type": "contour",
        "x": surface["x_values"],
        "y": surface["y_values"],
        "z": surface["losses"],
        "colorscale": [[0, colours["low"]], [1, colours["high"]]],
        "contours": {"coloring": "heatmap"},
        "line": {"width": 0.8, "color": colours["level"]},
        "showscale": False,
        "hovertemplate": "%{x:.4f}, %{y:.4f}: E = %{z:.6g}<extra></extra>",
    }
    if len(levels) > 1:
        span = {"start": levels[0], "end": levels[-1], "size": levels[1] - levels[0]}
        trace.update(autocontour=False, contours={**trace["contours"], **span})
    return trace


def _numbers(
    surface: dict[str, Any], levels: list[float], ends: list[list[float]], seen: list[Any]
) -> Iterator[tuple[Place, float]]:
    """Return where the contours bear their numbers: near the picture's sides, under no mark."""
    sides = [end[1] - end[0] for end in ends]
    taken: list[Place] = []

    def is_free(place: Place, others: list[Any], room: Place) -> bool:
        return all(
            any(
                abs(a - b) > part * side
                for a, b, part, side in zip(place, o, room, sides, strict=True)
            )
            for o in others
        )

    for place, level in _crossings(surface, levels, ends):
        if len(taken) == _MOST_NUMBERS:
            return
        if is_free(place, taken, _APART) and is_free(place, seen, _CLEAR):
            taken.append(place)
            yield place, level


def _crossings(
    surface: dict[str, Any], levels: list[float], ends: list[list[float]]
) -> Iterator[tuple[Place, float]]:
    """Return where contours cross four lines, just within the sides of the picture."""
    xs, ys = np.array(surface["x_values"]), np.array(surface["y_values"])
    losses = np.array(surface["losses"], float)
    for share in (0.07, 0.93):
        column = int(np.abs(xs - _between(ends[0], share)).argmin())
        inside = (ys > _between(ends[1], 0.05)) & (ys < _between(ends[1], 0.95))
        for y, level in _crossed(ys[inside], losses[inside, column], levels):
            yield (float(xs[column]), y), level
    for share in (0.07, 0.93):
        row = int(np.abs(ys - _between(ends[1], share)).argmin())
        inside = (xs > _between(ends[0], 0.07)) & (xs < _between(ends[0], 0.93))
        for x, level in _crossed(xs[inside], losses[row, inside], levels):
            yield (x, float(ys[row])), level


def _between(ends: list[float], share: float) -> float:
    return (1 - share) * ends[0] + share * ends[1]


def _crossed(along: Array, losses: Array, levels: list[float]) -> Iterator[tuple[float, float]]:
    """Return where the loss passes a level on its way along a line, between two points of it."""
    for k in range(len(along) - 1):
        before, after = float(losses[k]), float(losses[k + 1])
        for level in levels:
            if min(before, after) < level <= max(before, after):  # never true of nan
                part = (level - before) / (after - before)
                yield float(along[k] + part * (along[k + 1] - along[k])), level


def _number(place: Place, level: float, colours: dict[str, str]) -> Figure:
    words = {"text": f"{level:.6g}".replace("-", "−"), "showarrow": False, "borderpad": 1}
    look = {"font": {"color": colours["text"], "size": 11}, "bgcolor": colours["low"]}
    return {"x": place[0], "y": place[1], **words, **look, "opacity": 0.85}


def _trail(way: list[Any], colours: dict[str, str]) -> Figure:
    line = {"color": colours["text"], "width": 1.5}
    trace = {"type": "scatter", "mode": "lines+markers", "name": "run so far", "line": line}
    trace["marker"] = {"size": 4, "color": colours["text"]}
    x, y = [place[0] for place in way], [place[1] for place in way]
    return {**trace, "legendrank": _FIRST, "x": x, "y": y}


def _now(place: list[float], colours: dict[str, str]) -> Figure:
    """Return the point on top of the shafts that begin there, and parted from them."""
    mark = {"symbol": "circle", "size": NOW, "line": {"width": 1.5, "color": colours["low"]}}
    return {**_point("now", place, mark, colours), "legendrank": _FIRST}


def _after(place: list[float], colours: dict[str, str]) -> Figure:
    line = {"width": 1.5, "color": colours["text"]}
    return _point("next point", place, {"symbol": "circle-open", "size": 17, "line": line}, colours)


def _point(name: str, place: list[float], mark: dict[str, Any], colours: dict[str, str]) -> Figure:
    trace = {"type": "scatter", "mode": "markers", "name": name}
    return {**trace, "marker": {**mark, "color": colours["text"]}, "x": [place[0]], "y": [place[1]]}
