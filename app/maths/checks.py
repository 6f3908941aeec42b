"""Derivatives and losses by forward passes alone: what backpropagation is checked against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.network import Network
from app.maths.passes import Passes, with_ones

Array = NDArray[Any]
# The error of a central difference shrinks with h squared and its rounding grows with 1 / h: near
# the cube root of the precision both are least (Nocedal and Wright, section 8.1).
H = 6e-6


class LossAround:
    """The batch's loss near one point of the parameters, in float64 whatever the run has.

    inputs are (rows, from), targets (rows, outputs); `index` is a place in the flat vector.
    """

    def __init__(self, network: Network, parameters: Array, inputs: Array, targets: Array) -> None:
        self._passes = Passes(network, len(inputs), np.float64)
        self._point = np.array(parameters, np.float64)
        self._inputs = with_ones(np.asarray(inputs, np.float64))
        self._targets = np.asarray(targets, np.float64)
        self._relu = [k for k, name in enumerate(network.activations) if name == "relu"]

    def loss(self) -> float:
        return self._passes.loss(self._point, self._inputs, self._targets)

    def loss_at(self, index: int, value: float) -> float:
        """Return the loss with this one parameter set to `value`; the point is as before."""
        before, self._point[index] = self._point[index], value
        loss = self.loss()
        self._point[index] = before
        return loss

    def losses_over(self, x: int, y: int, xs: Array, ys: Array) -> Array:
        """Return the losses with two parameters set to all pairs, of shape (ys, xs)."""
        before = self._point[y]
        rows = []
        for value in ys:
            self._point[y] = value
            rows.append([self.loss_at(x, other) for other in xs])
        self._point[y] = before
        return np.array(rows)

    def central_difference(self, index: int, h: float | None = None) -> float:
        """Return (E(p + h) - E(p - h)) / 2h; `h` grows with the parameter if it is not given."""
        h = self.width(index) if h is None else h
        at = self._point[index]
        above, below = at + h, at - h
        return (self.loss_at(index, above) - self.loss_at(index, below)) / float(above - below)

    def crosses_kink(self, index: int) -> bool:
        """Tell whether some ReLU turns on or off within the difference's width: no meaning then."""
        if not self._relu:
            return False
        sides = []
        for side in (-1, 1):
            self.loss_at(index, self._point[index] + side * self.width(index))
            sides.append([self._passes.z[layer] > 0 for layer in self._relu])
        return any((one != other).any() for one, other in zip(*sides, strict=True))

    def width(self, index: int) -> float:
        return H * max(1.0, abs(float(self._point[index])))


def directional_difference(
    network: Network,
    parameters: Array,
    inputs: Array,
    targets: Array,
    direction: Array,
    h: float = 1e-5,
) -> float:
    """Return (E(p + h d) - E(p - h d)) / 2h in float64: the slope of E along `direction` d."""
    base = np.asarray(parameters, np.float64)
    above, below = (
        LossAround(network, base + side * h * direction, inputs, targets).loss() for side in (1, -1)
    )
    return (above - below) / (2 * h)


def relative_gap(a: float, b: float) -> float:
    """Return |a - b| / max(|a|, |b|, 1e-8)."""
    return abs(a - b) / max(abs(a), abs(b), 1e-8)
