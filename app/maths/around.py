"""The loss around one point of the parameters by forward passes alone: what backpropagation is
checked against, and what curves of the loss are drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.block import Block
from app.maths.checks import Difference, H
from app.maths.network import Network

Array = NDArray[Any]
# The functions bend over z, so a weight behind a large input is moved by less than H.
_FEW = 8.0
_FINEST = 2.0**-32  # of a parameter's size: h keeps twenty bits when it is added
_HELD = 1 << 17  # numbers of one layer held at a time: a megabyte, which a cache still takes


def _always() -> bool:
    return True


class LossAround:
    """The batch's loss near one point of the parameters, in float64 whatever the run has.

    inputs are (rows, from), targets (rows, outputs); `index` is a place in the flat vector. The
    rows stand in blocks, small enough for two copies of one to be held at a time.
    """

    def __init__(self, network: Network, parameters: Array, inputs: Array, targets: Array) -> None:
        self._network, self._point = network, np.array(parameters, np.float64)
        self._inputs, self._targets = inputs, targets
        self._offsets = [slot.offset for slot in network.slots[::2]] + [network.parameter_count]
        self._rows = min(len(inputs), max(1, _HELD // (2 * self._widest(0))))
        starts = range(0, len(inputs), self._rows)
        parts = [slice(start, start + self._rows) for start in starts]
        self._blocks = [Block(network, self._point, inputs[part], targets[part]) for part in parts]
        self._shares = [block.rows / len(inputs) for block in self._blocks]

    def loss(self) -> float:
        return sum(s * block.loss for s, block in zip(self._shares, self._blocks, strict=True))

    def losses_at(self, index: int, values: Array) -> Array:
        """Return the losses with this one parameter set to each of `values`."""
        layer = next(k for k, end in enumerate(self._offsets[1:]) if index < end)
        most = self._copies(layer)
        parts = (values[k : k + most] for k in range(0, len(values), most))
        found = ([b.losses_at(layer, index, part) for b in self._blocks] for part in parts)
        return np.concatenate([self._mean(losses) for losses in found])

    def losses_over(self, x: int, y: int, xs: Array, ys: Array) -> Array:
        """Return the losses with two parameters set to all pairs, of shape (ys, xs)."""
        return np.array([self._with(y, value).losses_at(x, xs) for value in ys])

    def central_difference(self, index: int) -> float:
        """Return (E(p + h) - E(p - h)) / 2h, where h moves z by H at the most."""
        return self.difference(index).quotient

    def difference(self, index: int) -> Difference:
        (found,) = self.differences(index, index + 1)
        return found

    def differences(
        self, first: int, last: int, goes_on: Callable[[], bool] = _always
    ) -> Iterator[Difference]:
        """Yield the differences of the parameters from `first` up to, and not including, `last`.

        `goes_on` is asked before each part; where it says no there are no more, but the first.
        """
        for k, (layer, part) in enumerate(self._parts(first, last)):
            if not goes_on() and k:
                return
            at, h = self._point[part], self._widths(layer, part)
            values, both = np.concatenate([at + h, at - h]), np.concatenate([part, part])
            found = [block.moved(layer, both, values) for block in self._blocks]
            losses, kinks = self._mean([own for own, _ in found]), [own for _, own in found]
            halves = (side.reshape(2, -1).tolist() for side in (values, losses))
            yield from map(Difference, *chain(*halves), np.any(kinks, axis=0).tolist())

    def _mean(self, losses: list[Array]) -> Array:
        """Return the batch's losses from those of its blocks."""
        return reduce(np.add, map(np.multiply, self._shares, losses))

    def _widths(self, layer: int, indices: Array) -> Array:
        """Return h of each parameter: H, up to a few times that for a parameter above 1, and less
        where z would move by more; beside a huge one as much as its last twenty bits can tell.
        """
        most = reduce(np.maximum, [block.largest(layer) for block in self._blocks]) / _FEW
        source = (indices - self._offsets[layer]) // self._network.sizes[layer + 1]
        sizes = np.abs(self._point[indices])
        wide = np.minimum(np.maximum(sizes, 1.0), _FEW)
        widths: Array = np.maximum(H * wide / np.maximum(most, 1.0)[source], _FINEST * sizes)
        return widths

    def _with(self, index: int, value: float) -> LossAround:
        point = self._point.copy()
        point[index] = value
        return LossAround(self._network, point, self._inputs, self._targets)

    def _parts(self, first: int, last: int) -> Iterator[tuple[int, Array]]:
        """Yield the indices from `first` to `last` by layer, as many as are held at a time."""
        for layer, (start, stop) in enumerate(zip(self._offsets, self._offsets[1:], strict=False)):
            indices = np.arange(max(first, start), min(last, stop))
            most = self._copies(layer) // 2
            for at in range(0, len(indices), most):
                yield layer, indices[at : at + most]

    def _copies(self, layer: int) -> int:
        """Return how many copies of a block are moved at a time: two at least."""
        return max(2, _HELD // (self._rows * self._widest(layer)))

    def _widest(self, layer: int) -> int:
        """Return the most units of a layer that a parameter of `layer` moves, but for its own."""
        sizes = self._network.sizes
        return max(sizes[layer + 2 :] or sizes[-1:])


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
