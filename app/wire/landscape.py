"""The batch's loss around a step's parameters, as JSON: along one of them, and over two."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.around import LossAround
from app.maths.network import Network
from app.refusal import Refused
from app.timeline.run import StepRecord
from app.wire.explain import batch_derivative, loss_around, update_of
from app.wire.finite import finite, finite_list

Array = NDArray[Any]
Items = dict[str, Any]
MULTIPLES = np.array([0.1, 1.0, 3.0, 10.0])
WIDTHS = np.array([float(f"1e-{k}") for k in range(9)])  # as they are written: 1e-05, not 9.99…e-06
LARGEST = 8e307  # a range from -LARGEST to LARGEST can still be divided into steps
_TRIES = 6  # how often a side is drawn anew within what was finite, and its end looked for
# In nanoseconds, about: what the passes of one answer may take, and what one row takes in one unit,
# most of it for tanh, and in one weight.
_AFFORDED, _UNIT, _WEIGHT = 8e6, 14.0, 0.1


@np.errstate(all="ignore")
def slice_json(
    record: StepRecord, network: Network, name: str, reach: float | None = None
) -> Items:
    """Return the batch's loss as a function of this one parameter, all others fixed.

    The curve goes `reach` to either side of its value, or beyond ten updates and at least 1; or to
    where the loss overflows, on each side by itself, and then `cut` names that side.
    """
    index, around = network.parameter_index(name), loss_around(record, network)
    at, update = float(record.parameters[index]), update_of(record, network, index, name)
    points, slope = _points(record, network, name, 161), batch_derivative(record, network, name)
    # In float64: in a run of float32 the new value may be rounded back to the old one.
    delta = -record.learning_rate * slope if update["trained"] else 0.0
    far = max(1.0, 11.5 * abs(delta)) if reach is None else reach
    landings, near = at + MULTIPLES * delta, at + WIDTHS
    losses = around.losses_at(index, np.concatenate([landings, near, [at]]))
    at_landings, at_near, own = np.split(losses, np.cumsum([4, len(near)]))
    half = points // 2
    far = max(far, half * float(np.spacing(abs(at))))  # so far that its values are told apart
    values, curve, cut = _curve(around, index, (at, float(own[0])), far, half)
    return {
        "parameter": name,
        "values": values.tolist(),
        "losses": finite_list(curve),
        "at": at,
        "loss": finite(float(own[0])),
        "slope": slope,
        "next": update["new_value"],
        "landings": _columns(multiple=MULTIPLES, value=landings, loss=at_landings),
        "wiggle": _columns(h=WIDTHS, quotient=_quotients(at_near - own, near - at)),
        "cut": cut,
        "kink": around.difference(index).kink,
        "exact": record.exact,
    }


@np.errstate(all="ignore")
def surface_json(
    record: StepRecord, network: Network, names: tuple[str, str], trail: list[tuple[int, Array]]
) -> Items:
    """Return the batch's loss over two parameters, with the run's way so far.

    Where it overflows all over that range it is drawn around the step's own values instead.
    """
    x, y = (_index_of(network, field, name) for field, name in zip(("x", "y"), names, strict=True))
    if x == y:
        raise Refused("invalid", "y", names[1], "another parameter than x")
    at, new = record.parameters[[x, y]].astype(float), record.new_parameters[[x, y]].astype(float)
    way = [(step, *parameters[[x, y]].astype(float).tolist()) for step, parameters in trail]
    side = max(9, math.isqrt(_points(record, network, names[0], 41 * 41)))
    around, far = loss_around(record, network), 5 * float(np.hypot(*(new - at)))
    xs, ys = _axes([at, new, *(place[1:] for place in way)], far, side)
    losses = around.losses_over(x, y, xs, ys)
    if not np.isfinite(losses).any():
        xs, ys = _axes([at], 0.0, side)
        losses = around.losses_over(x, y, xs, ys)
    return {
        "x": names[0],
        "y": names[1],
        "x_values": xs.tolist(),
        "y_values": ys.tolist(),
        "losses": list(map(finite_list, losses)),
        "at": at.tolist(),
        "gradient": [batch_derivative(record, network, name) for name in names],
        "next": new.tolist(),
        "trail": way,
        "exact": record.exact,
    }


def _index_of(network: Network, field: str, name: str) -> int:
    """Return where the parameter that was asked for in `field` lies in the flat vector."""
    try:
        return network.parameter_index(name)
    except Refused as refused:
        raise Refused(refused.code, field, refused.value, refused.expected) from None


def _points(record: StepRecord, network: Network, name: str, most: int) -> int:
    """Return an odd number of points, fewer where a pass onwards from this parameter costs much."""
    onwards = network.sizes[network.place(name).layer + 1 :]
    weights = sum(source * to for source, to in pairwise(onwards))
    each = len(record.rows) * ((1 + sum(onwards)) * _UNIT + weights * _WEIGHT)
    return max(21, min(most, int(_AFFORDED / each))) | 1


def _curve(
    around: LossAround, index: int, own: tuple[float, float], far: float, half: int
) -> tuple[Array, Array, list[str]]:
    """Return values, their losses, and the sides on which the loss overflows before `far`.

    `own` are the parameter's value and the loss there; `half` points stand on either side of it.
    """
    at, loss = own
    low, high = (float(np.clip(at + side * far, -LARGEST, LARGEST)) for side in (-1, 1))
    before, losses_before, below = _side(around, index, at, low, half)
    after, losses_after, above = _side(around, index, at, high, half)
    values = np.concatenate([before[::-1], [at], after])
    losses = np.concatenate([losses_before[::-1], [loss], losses_after])
    return values, losses, [side for side, cut in (("below", below), ("above", above)) if cut]


def _side(
    around: LossAround, index: int, at: float, end: float, count: int
) -> tuple[Array, Array, bool]:
    """Return the curve from `at` to `end`, without `at`, and whether the loss overflows before.

    Where it does the side is drawn anew up to there: a few points of a curve are none.
    """
    cut = False
    for _ in range(_TRIES):
        values = np.linspace(at, end, count + 1)[1:]
        losses = around.losses_at(index, values)
        bad = np.flatnonzero(~np.isfinite(losses))
        if not len(bad):
            return values, losses, cut
        cut, first = True, bad[0]
        known = values[first - 1] if first else at
        end = _last_finite(around, index, at, known, values[first], count)
    return values[:first], losses[:first], cut


def _last_finite(
    around: LossAround, index: int, at: float, inside: float, outside: float, count: int
) -> float:
    """Return about the last value at which the loss is finite, between one where it is and one
    where it is not.
    """
    for _ in range(_TRIES):
        near = 10.0 ** -np.arange(count, 0, -1)  # where only `at` is known it may be anywhere
        shares = near if inside == at else np.linspace(0, 1, count + 2)[1:-1]
        probes = inside + shares * (outside - inside)
        bad = np.flatnonzero(~np.isfinite(around.losses_at(index, probes)))
        first = bad[0] if len(bad) else count
        inside, outside = [inside, *probes, outside][first : first + 2]
    return float(inside)


def _quotients(changes: Array, widths: Array) -> Array:
    """Return the difference quotients, nan where h vanishes once it is added."""
    return np.where(widths != 0, changes / widths, np.nan)


def _columns(**columns: Array) -> list[Items]:
    """Return one object a row, null where a number is not finite."""
    rows = zip(*map(finite_list, columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _axes(seen: list[Any], least: float, side: int) -> Array:
    """Return the values on both axes, (2, side): as wide as each other, around all that is seen.

    `least` is how far they reach at the least, so that the update can be told from a point.
    """
    places = np.array(seen, float)
    low, high = places.min(axis=0), places.max(axis=0)
    middle, half = low / 2 + high / 2, float((high / 2 - low / 2).max())
    told_apart = side * float(np.spacing(np.abs(middle).max()))
    reach = max(1.3 * half, least, told_apart, 0.1)
    start, end = np.clip([middle - reach, middle + reach], -LARGEST, LARGEST)
    axes: Array = np.linspace(start, end, side, axis=1)
    return axes
