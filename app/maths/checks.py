"""Derivatives and losses by forward passes alone: what backpropagation is checked against.

A parameter moves z of one unit, and by that the layers after it; every number before is the same to
the bit. So the batch goes forward once, and each copy of it with one parameter moved only from that
unit on, many copies as one batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.activations import ACTIVATIONS
from app.maths.losses import LOSSES
from app.maths.network import Network
from app.maths.passes import Passes, with_ones

Array = NDArray[Any]
# The error of a central difference shrinks with h squared and its rounding grows with 1 / h: near
# the cube root of the precision both are least (Nocedal and Wright, section 8.1). The functions
# bend over z, so a weight behind a large input is moved by less.
H = 6e-6
_FEW = 8.0
_FINEST = 2.0**-32  # of a parameter's size: h keeps twenty bits when it is added
_HELD = 1 << 17  # numbers of one layer held at a time: a megabyte, which a cache still takes
PROOFS = {"agree": True, "different": False}  # the verdicts that say something
_RELATIVE = {"float64": 1e-6, "float32": 1e-2}
_NOISE = {"float64": 1e-9, "float32": 1e-5}


@dataclass(frozen=True)
class Difference:
    """The loss with one parameter at `above` and at `below`, h to either side of its value.

    `kink`: some ReLU turns on or off between the two, so that the quotient means nothing.
    """

    above: float
    below: float
    loss_above: float
    loss_below: float
    kink: bool

    @property
    def h(self) -> float:
        """Half the width there really is, once h was added and rounded."""
        return (self.above - self.below) / 2

    @property
    def quotient(self) -> float:
        """(E(p + h) - E(p - h)) / 2h; inf or nan where a loss overflows."""
        return (self.loss_above - self.loss_below) / (self.above - self.below)


@dataclass(frozen=True)
class Tolerance:
    """How near is near enough: a relative gap below `relative`, or a gap below `noise`.

    `noise` is what rounding, in the run's precision, does to a difference of two losses H apart;
    nearer ones it blurs the more.
    """

    relative: float
    noise: float

    def verdict(self, found: float, difference: Difference) -> str:
        """Return `agree`, `different`, `kinks` or `overflows`: the last two can prove nothing."""
        numeric = difference.quotient
        if not (math.isfinite(found) and math.isfinite(numeric)):
            return "overflows"
        if difference.kink:
            return "kinks"
        near = relative_gap(found, numeric) < self.relative or self._is_noise(found, difference)
        return "agree" if near else "different"

    def is_rounding(self, found: float, difference: Difference) -> bool:
        """Tell whether they agree only since rounding could be all that parts them: no proof."""
        if self.verdict(found, difference) != "agree":
            return False
        return relative_gap(found, difference.quotient) >= self.relative

    def gap(self, found: float, difference: Difference) -> float:
        """Return the relative gap; 0 where nothing is proved or a large one is only rounding."""
        if self.verdict(found, difference) not in PROOFS:
            return 0.0
        rounding = self.is_rounding(found, difference)
        return 0.0 if rounding else relative_gap(found, difference.quotient)

    def _is_noise(self, found: float, difference: Difference) -> bool:
        blur = max(1.0, H / difference.h)
        return abs(found - difference.quotient) < self.noise * blur


def tolerance_of(precision: str, loss: float) -> Tolerance:
    """Return the tolerance for derivatives that a run of `precision` computed at this loss."""
    return Tolerance(_RELATIVE[precision], _NOISE[precision] * max(1.0, abs(loss)))


class LossAround:
    """The batch's loss near one point of the parameters, in float64 whatever the run has.

    inputs are (rows, from), targets (rows, outputs); `index` is a place in the flat vector. Inside,
    layers count from 0 and `_came[l]` is what comes into layer l, with a column of ones.
    """

    def __init__(self, network: Network, parameters: Array, inputs: Array, targets: Array) -> None:
        self._network, self._point = network, np.array(parameters, np.float64)
        self._targets = np.asarray(targets, np.float64)
        self._offsets = [slot.offset for slot in network.slots[::2]] + [network.parameter_count]
        passes, came = Passes(network, len(inputs), np.float64), np.asarray(inputs, np.float64)
        self._loss = passes.loss(self._point, with_ones(came), self._targets)
        self._z, self._came = passes.z, [with_ones(part) for part in (came, *passes.a[:-1])]

    def loss(self) -> float:
        return self._loss

    def losses_at(self, index: int, values: Array) -> Array:
        """Return the losses with this one parameter set to each of `values`."""
        layer = next(k for k, end in enumerate(self._offsets[1:]) if index < end)
        most = self._copies(layer)
        parts = (values[k : k + most] for k in range(0, len(values), most))
        moved = (self._moved(layer, np.full(len(part), index), part) for part in parts)
        return np.concatenate([self._losses(zs[-1]) for zs in moved])

    def losses_over(self, x: int, y: int, xs: Array, ys: Array) -> Array:
        """Return the losses with two parameters set to all pairs, of shape (ys, xs)."""
        return np.array([self._with(y, value).losses_at(x, xs) for value in ys])

    def central_difference(self, index: int) -> float:
        """Return (E(p + h) - E(p - h)) / 2h, where h moves z by H at the most."""
        return self.difference(index).quotient

    def difference(self, index: int) -> Difference:
        (found,) = self.differences(index, index + 1)
        return found

    def differences(self, first: int, last: int) -> Iterator[Difference]:
        """Yield the differences of the parameters from `first` up to, and not including, `last`."""
        for layer, part in self._parts(first, last):
            at, count = self._point[part], len(part)
            h = self._widths(layer, part)
            values = np.concatenate([at + h, at - h])
            zs = self._moved(layer, np.tile(part, 2), values)
            losses, kinks = self._losses(zs[-1]), self._kinks(layer, zs)
            sides = (values[:count], values[count:], losses[:count], losses[count:], kinks)
            yield from map(Difference, *(side.tolist() for side in sides))

    def _widths(self, layer: int, indices: Array) -> Array:
        """Return h of each parameter: H, up to a few times that for a parameter above 1, and less
        where z would move by more; beside a huge one as much as its last twenty bits can tell.
        """
        most = np.abs(self._came[layer]).max(axis=0) / _FEW
        source = (indices - self._offsets[layer]) // self._network.sizes[layer + 1]
        sizes = np.abs(self._point[indices])
        widths: Array = H * np.clip(sizes, 1.0, _FEW) / np.maximum(1.0, most[source])
        np.maximum(widths, _FINEST * sizes, out=widths)
        return widths

    def _with(self, index: int, value: float) -> LossAround:
        point = self._point.copy()
        point[index] = value
        return LossAround(self._network, point, self._came[0][:, :-1], self._targets)

    def _parts(self, first: int, last: int) -> Iterator[tuple[int, Array]]:
        """Yield the indices from `first` to `last` by layer, as many as are held at a time."""
        for layer, (start, stop) in enumerate(zip(self._offsets, self._offsets[1:], strict=False)):
            indices = np.arange(max(first, start), min(last, stop))
            most = self._copies(layer) // 2
            for at in range(0, len(indices), most):
                yield layer, indices[at : at + most]

    def _copies(self, layer: int) -> int:
        """Return how many copies of the batch are moved at a time: two at least."""
        sizes = self._network.sizes
        widest = max(sizes[layer + 2 :] or sizes[-1:])
        return max(2, _HELD // (len(self._targets) * widest))

    def _moved(self, layer: int, indices: Array, values: Array) -> list[Array]:
        """Return z of `layer` and of those after it, in copies with one parameter moved each.

        They are (copies, rows, units), but of a hidden `layer` (copies, rows): the unit that moves.
        """
        sizes = self._network.sizes[1:]
        source, unit = np.divmod(indices - self._offsets[layer], sizes[layer])
        by = (values - self._point[indices])[:, None] * self._came[layer].T[source]
        z = self._z[layer].T[unit] + by
        if layer == len(sizes) - 1:
            whole = np.repeat(self._z[layer][None], len(unit), axis=0)
            whole[np.arange(len(unit)), :, unit] = z
            return [whole]
        zs = [z, self._z[layer + 1] + self._passed_on(layer, unit, z)]
        for later in range(layer + 2, len(sizes)):
            zs.append(self._forward(later, zs[-1]))
        return zs

    def _passed_on(self, layer: int, unit: Array, z: Array) -> Array:
        """Return by how much z of the next layer moves: the change of a times the weights."""
        change = self._activated(layer, z) - self._came[layer + 1].T[unit]
        weights = self._network.weights(self._point, layer + 2)[unit]
        moved: Array = change[:, :, None] * weights[:, None, :]
        return moved

    def _forward(self, layer: int, z: Array) -> Array:
        """Return z of `layer` from that of the layer before, both (copies, rows, units)."""
        weights = self._network.weights(self._point, layer + 1)
        biases = self._network.biases(self._point, layer + 1)
        a = self._activated(layer - 1, z).reshape(-1, len(weights))  # one product for all copies
        sums: Array = a.dot(weights) + biases
        return sums.reshape(*z.shape[:2], -1)

    def _activated(self, layer: int, z: Array) -> Array:
        a = np.empty_like(z)
        ACTIVATIONS[self._network.activations[layer]].function(z, a)
        return a

    def _losses(self, z: Array) -> Array:
        """Return the loss of each copy from z of the outputs, (copies, rows, units)."""
        a = self._activated(len(self._z) - 1, z.reshape(-1, z.shape[2])).reshape(z.shape)
        value, y, work = LOSSES[self._network.loss].value, self._targets, np.empty(z.shape[1:])
        return np.array([value(own_z, own_a, y, work) for own_z, own_a in zip(z, a, strict=True)])

    def _kinks(self, layer: int, zs: list[Array]) -> Array:
        """Tell of each pair, a copy above and one below, whether some ReLU turns on or off."""
        count = len(zs[0]) // 2
        crossed = np.zeros(count, bool)
        for z, name in zip(zs, self._network.activations[layer:], strict=True):
            if name == "relu":
                on = (z > 0).reshape(2, count, -1)
                crossed |= (on[0] != on[1]).any(axis=1)
        return crossed


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
    """Return |a - b| / max(|a|, |b|, 1e-8), finite for all finite a and b."""
    larger = max(abs(a), abs(b), 1e-8)
    return abs(a / larger - b / larger)
