"""The two arrows over the contours of two weights: the gradient, uphill, and the update."""

from __future__ import annotations

import math
from typing import Any

from app.web.charts import Figure

Ends = list[list[float]]  # of both axes
_LEAST = (250, 155)  # pixels of the picture where the screen is smallest
_HEAD, _SMALLEST = 17, 6  # pixels
NOW = 9  # pixels: no head comes so near that the point hides it


def arrows_of(surface: dict[str, Any], ends: Ends, colours: dict[str, str]) -> list[Figure]:
    """Return the arrows; a gradient or an update of 0 has none."""
    at, found = surface["at"], []
    if any(surface["gradient"]):
        end, line = _uphill(surface, ends), {"color": colours["muted"], "dash": "6px,3px"}
        found.append(_arrow("gradient, uphill", (at, end), _head(at, end, ends), line))
    if surface["next"] != at:
        end, line = _update(surface, ends), {"color": colours["text"], "dash": "solid"}
        head = _head(at, end, ends) if is_inside(surface["next"], ends) else 0.0
        found.append(_arrow("update", (at, end), head, line))
    return found


def how_seen(surface: dict[str, Any], arrows: list[Figure], ends: Ends) -> str | None:
    """Tell what is seen of the update: the arrow, a way too short for one, or one that is cut."""
    if surface["next"] == surface["at"]:
        return None
    if not is_inside(surface["next"], ends):
        return "cut"
    return "whole" if "markers" in arrows[-1]["mode"] else "short"


def is_inside(place: list[float], ends: Ends) -> bool:
    return all(low <= value <= high for value, (low, high) in zip(place, ends, strict=True))


def _update(surface: dict[str, Any], ends: Ends) -> list[float]:
    """Return where the update ends, or where it leaves the picture."""
    at, after = surface["at"], surface["next"]
    if is_inside(after, ends):
        return list(after)
    return _end(at, [b / 2 - a / 2 for a, b in zip(at, after, strict=True)], math.inf, ends)


def _uphill(surface: dict[str, Any], ends: Ends) -> list[float]:
    """Return where an arrow along the gradient ends: as long as the update, or long enough."""
    update = [after - at for at, after in zip(surface["at"], surface["next"], strict=True)]
    reach = max(*map(abs, update), 0.16 * (ends[0][1] / 2 - ends[0][0] / 2) * 2)
    return _end(surface["at"], surface["gradient"], reach, ends)


def _end(at: list[float], way: list[float], reach: float, ends: Ends) -> list[float]:
    """Return the place `reach` away, on the axes at the latest; it never leaves its direction.

    The way is measured in its largest part: no square overflows.
    """
    largest = max(map(abs, way))
    parts = [part / largest for part in way]
    rooms = [
        ((high if part > 0 else low) - start) / part
        for start, part, (low, high) in zip(at, parts, ends, strict=True)
        if part
    ]
    far = max(0.0, min(reach / math.hypot(*parts), *rooms))
    arrow = zip(at, parts, ends, strict=True)
    return [min(max(start + far * part, low), high) for start, part, (low, high) in arrow]


def _arrow(name: str, way: tuple[Any, Any], size: float, line: dict[str, str]) -> Figure:
    """Return an arrow with a head of this size, or with none."""
    head = {"size": [0, size], "symbol": "arrow", "angleref": "previous", "opacity": 1}
    marked = {"mode": "lines+markers", "marker": head} if size else {"mode": "lines"}
    x, y = (list(part) for part in zip(*way, strict=True))
    look = {"type": "scatter", "name": name, "line": {**line, "width": 3.5}}
    return {**look, **marked, "x": x, "y": y}


def _head(start: list[float], end: list[float], ends: Ends) -> float:
    """Return how large the head of an arrow may be, in pixels: less than its way, or 0.

    Both axes have one scale, at least the one of the smallest screen.
    """
    sides = zip(_LEAST, ends, strict=True)
    scale = min((pixels / (high - low) for pixels, (low, high) in sides if low < high), default=0.0)
    length = math.hypot(*((b - a) * scale for a, b in zip(start, end, strict=True)))
    size = min(_HEAD, length - NOW / 2)
    return size if size >= _SMALLEST else 0.0


def halos_of(arrows: list[Figure], colours: dict[str, str]) -> list[Figure]:
    """Return what parts the arrows from the contours beneath them."""
    line = {"color": colours["low"], "width": 8}
    quiet = {"showlegend": False, "hoverinfo": "skip", "mode": "lines", "opacity": 0.8}
    return [
        {"type": "scatter", "name": "", **quiet, "x": one["x"], "y": one["y"], "line": line}
        for one in arrows
    ]


def points_along(arrow: Figure) -> list[list[float]]:
    """Return points of an arrow, close enough that no number fits between them."""
    (x1, x2), (y1, y2) = arrow["x"], arrow["y"]
    shares = [k / 8 for k in range(9)]
    return [[(1 - s) * x1 + s * x2, (1 - s) * y1 + s * y2] for s in shares]
