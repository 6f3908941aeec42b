"""Central differences: a derivative from two forward passes, with no backward pass involved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.network import Network
from app.maths.passes import Passes, with_ones

Array = NDArray[Any]


def directional_difference(
    network: Network,
    parameters: Array,
    inputs: Array,
    targets: Array,
    direction: Array,
    h: float = 1e-5,
) -> float:
    """Return (E(p + h d) - E(p - h d)) / 2h in float64: the slope of E along `direction` d.

    The error of the formula shrinks with h squared, its rounding grows with 1/h; 1e-5 lies near
    the best for numbers around 1 (Nocedal and Wright, Numerical Optimization, section 8.1).
    """
    passes = Passes(network, len(inputs), np.float64)
    base, stacked = np.asarray(parameters, np.float64), with_ones(np.asarray(inputs, np.float64))
    above = passes.loss(base + h * direction, stacked, targets)
    below = passes.loss(base - h * direction, stacked, targets)
    return (above - below) / (2 * h)


def central_difference(
    network: Network, parameters: Array, inputs: Array, targets: Array, index: int, h: float = 1e-5
) -> float:
    """Return dE/dp of the one parameter at `index` of the flat vector by a central difference."""
    direction = np.zeros(network.parameter_count)
    direction[index] = 1.0
    return directional_difference(network, parameters, inputs, targets, direction, h)


def relative_gap(a: float, b: float) -> float:
    """Return |a - b| / max(|a|, |b|, 1e-8)."""
    return abs(a - b) / max(abs(a), abs(b), 1e-8)
