"""The batch's loss around a step's parameters, as JSON: along one of them, and over two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.checks import LossAround
from app.maths.network import Network
from app.refusal import Refused
from app.timeline.run import StepRecord
from app.wire.explain import batch_derivative, finite, loss_around, update_of

Array = NDArray[Any]
Items = dict[str, Any]
MULTIPLES = (0.1, 1.0, 3.0, 10.0)
_WORK = 4e7  # numbers multiplied in one answer, which bounds how many points a curve has


def slice_json(record: StepRecord, network: Network, name: str) -> Items:
    """Return the batch's loss as a function of this one parameter, all others fixed."""
    index, around = network.parameter_index(name), loss_around(record, network)
    at, update = float(record.parameters[index]), update_of(record, network, index, name)
    points = _points(record, network, 161)
    reach = min(max(1.0, 1.15 * abs(10 * update["delta"])), 1e3 * max(1.0, abs(at)))
    values = np.linspace(at - reach, at + reach, points)
    with np.errstate(all="ignore"):
        losses = np.array([around.loss_at(index, value) for value in values])
        low, high = _finite_range(losses, points // 2)
        landings = [_landing(around, index, at, update["delta"], m) for m in MULTIPLES]
        wiggle = [_quotient(around, index, at, 10.0**-k) for k in range(9)]
        loss = around.loss()
    return {
        "parameter": name,
        "values": values[low:high].tolist(),
        "losses": losses[low:high].tolist(),
        "at": at,
        "loss": loss,
        "slope": batch_derivative(record, network, name),
        "next": update["new_value"],
        "landings": landings,
        "wiggle": wiggle,
        "cut": [side for side, is_cut in (("below", low > 0), ("above", high < points)) if is_cut],
    }


def surface_json(
    record: StepRecord, network: Network, names: tuple[str, str], trail: list[tuple[int, Array]]
) -> Items:
    """Return the batch's loss over two parameters, with the run's way so far."""
    x, y = (network.parameter_index(name) for name in names)
    if x == y:
        raise Refused("invalid", "y", names[1], "another parameter than x")
    at, new = record.parameters[[x, y]].astype(float), record.new_parameters[[x, y]].astype(float)
    way = [(step, *parameters[[x, y]].astype(float).tolist()) for step, parameters in trail]
    side = max(9, math.isqrt(_points(record, network, 41 * 41)))
    xs, ys = (_axis(k, at, new, way, side) for k in (0, 1))
    with np.errstate(all="ignore"):
        losses = loss_around(record, network).losses_over(x, y, xs, ys)
    return {
        "x": names[0],
        "y": names[1],
        "x_values": xs.tolist(),
        "y_values": ys.tolist(),
        "losses": [[finite(loss) for loss in row] for row in losses.tolist()],
        "at": at.tolist(),
        "gradient": [batch_derivative(record, network, name) for name in names],
        "next": new.tolist(),
        "trail": way,
    }


def _points(record: StepRecord, network: Network, most: int) -> int:
    """Return an odd number of points, fewer where one pass costs much."""
    affordable = int(_WORK / (network.parameter_count * len(record.rows)))
    return max(21, min(most, affordable)) | 1


def _finite_range(losses: Array, middle: int) -> tuple[int, int]:
    """Return the range around `middle` in which every loss is finite."""
    bad = np.flatnonzero(~np.isfinite(losses))
    low = int(bad[bad < middle].max()) + 1 if (bad < middle).any() else 0
    high = int(bad[bad > middle].min()) if (bad > middle).any() else len(losses)
    return low, high


def _landing(around: LossAround, index: int, at: float, delta: float, multiple: float) -> Items:
    value = at + multiple * delta
    return {"multiple": multiple, "value": value, "loss": finite(around.loss_at(index, value))}


def _quotient(around: LossAround, index: int, at: float, h: float) -> Items:
    width = (at + h) - at  # what h becomes once it is added
    change = around.loss_at(index, at + h) - around.loss()
    return {"h": h, "quotient": finite(change / width) if width else None}


def _axis(k: int, at: Array, new: Array, way: list[Any], side: int) -> Array:
    seen = [at[k], new[k], *(place[1 + k] for place in way)]
    middle, half = (min(seen) + max(seen)) / 2, (max(seen) - min(seen)) / 2
    reach = max(1.3 * half, 0.5)
    return np.linspace(middle - reach, middle + reach, side)
