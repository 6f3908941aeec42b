"""Some rows of a batch, gone forward once, and again in copies with one parameter moved in each.

A parameter moves z of one unit, and by that the layers after it; every number before is the same to
the bit. So a copy goes forward only from that unit on, and many copies as one batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.activations import ACTIVATIONS
from app.maths.losses import LOSSES
from app.maths.network import Network
from app.maths.passes import Passes, with_ones

Array = NDArray[Any]


class Block:
    """Rows at one `point` of the parameters, in float64.

    Layers count from 0 and `_came[l]` is what comes into layer l, with a row of ones. Units stand
    first and the block's rows last: there are many of these, and few units.
    """

    def __init__(self, network: Network, point: Array, inputs: Array, targets: Array) -> None:
        self._network, self._point, self.rows = network, point, len(inputs)
        self._targets = np.asarray(targets, np.float64)
        self._starts = [slot.offset for slot in network.slots[::2]]
        passes, came = Passes(network, len(inputs), np.float64), np.asarray(inputs, np.float64)
        self.loss = passes.loss(point, with_ones(came), self._targets)
        self._z = [np.ascontiguousarray(z.T) for z in passes.z]
        self._came = [np.ascontiguousarray(with_ones(a).T) for a in (came, *passes.a[:-1])]

    def losses_at(self, layer: int, index: int, values: Array) -> Array:
        """Return the losses with one parameter of `layer` set to each of `values`."""
        source, unit = divmod(index - self._starts[layer], self._network.sizes[layer + 1])
        at, came = self._point[index], self._came[layer][source]
        z = self._z[layer][unit] + (values - at)[:, None] * came
        # Beside a huge value a small one would be lost: there z is summed anew without the huge.
        small = np.abs(values) < abs(at) / 2
        if small.any():
            z[small] = self._without(layer, source, unit) + values[small, None] * came
        return self._losses(self._onwards(layer, np.full(len(values), unit), z)[-1])

    def moved(self, layer: int, indices: Array, values: Array) -> tuple[Array, Array]:
        """Return the losses with each of these parameters at its value, and of each pair, in the
        first half and the second, whether some ReLU turns on or off between the two.
        """
        source, unit = np.divmod(indices - self._starts[layer], self._network.sizes[layer + 1])
        by = (values - self._point[indices])[:, None] * self._came[layer][source]
        zs = self._onwards(layer, unit, self._z[layer][unit] + by)
        return self._losses(zs[-1]), self._kinks(layer, unit, zs)

    def largest(self, layer: int) -> Array:
        """Return the largest size of what comes through each row of the layer's weights."""
        found: Array = np.abs(self._came[layer]).max(axis=1)
        return found

    def _without(self, layer: int, source: int, unit: int) -> Array:
        """Return z of a unit with its parameter from `source` at 0."""
        weights = self._network.stacked(self._point, layer + 1)[:, unit].copy()
        weights[source] = 0.0
        z: Array = weights.dot(self._came[layer])
        return z

    def _onwards(self, layer: int, unit: Array, z: Array) -> list[Array]:
        """Return z of `layer` and of those after it, in copies whose `unit` there has this `z`.

        They are (units, copies, rows), but of a hidden `layer` (copies, rows): the unit that moves.
        """
        count = self._network.layer_count
        if layer == count - 1:
            whole = np.repeat(self._z[layer][:, None], len(unit), axis=1)
            whole[unit, np.arange(len(unit))] = z
            return [whole]
        zs = [z, self._z[layer + 1][:, None] + self._passed_on(layer, unit, z)]
        for later in range(layer + 2, count):
            zs.append(self._forward(later, zs[-1]))
        return zs

    def _passed_on(self, layer: int, unit: Array, z: Array) -> Array:
        """Return by how much z of the next layer moves: the change of a times the weights."""
        change = self._activated(layer, z) - self._came[layer + 1][unit]
        weights = self._network.weights(self._point, layer + 2)[unit]
        moved: Array = weights.T[:, :, None] * change
        return moved

    def _forward(self, layer: int, z: Array) -> Array:
        """Return z of `layer` from that of the layer before, both (units, copies, rows)."""
        a = np.empty((len(z) + 1, *z.shape[1:]))
        a[-1] = 1.0  # goes with the biases
        self._activate(layer - 1, z, a[:-1])
        stacked = self._network.stacked(self._point, layer + 1)
        sums: Array = stacked.T.dot(a.reshape(len(a), -1))  # one product for all copies
        return sums.reshape(-1, *z.shape[1:])

    def _activated(self, layer: int, z: Array) -> Array:
        a = np.empty_like(z)
        self._activate(layer, z, a)
        return a

    def _activate(self, layer: int, z: Array, out: Array) -> None:
        ACTIVATIONS[self._network.activations[layer]].function(z, out)

    def _losses(self, z: Array) -> Array:
        """Return the loss of each copy from z of the outputs, (units, copies, rows)."""
        z = np.ascontiguousarray(z.transpose(1, 2, 0))
        a = self._activated(len(self._z) - 1, z.reshape(-1, z.shape[2])).reshape(z.shape)
        losses: Array = LOSSES[self._network.loss].each(z, a, self._targets).mean(axis=1)
        return losses

    def _kinks(self, layer: int, unit: Array, zs: list[Array]) -> Array:
        """Tell of each pair, a copy above and one below, whether some ReLU turns on or off, and
        anything depends on that.
        """
        count = zs[0].shape[-2] // 2
        crossed = np.zeros(count, bool)
        for at, (z, name) in enumerate(zip(zs, self._network.activations[layer:], strict=True)):
            if name == "relu":
                on = (z > 0).reshape(-1, 2, count, self.rows)
                leads = self._leads_on(layer + at)
                leads = leads[unit[:count]] if z.ndim == 2 else leads[:, None]
                crossed |= np.any((on[:, 0] != on[:, 1]).any(axis=2) & leads, axis=0)
        return crossed

    def _leads_on(self, layer: int) -> Array:
        """Tell of each unit of `layer` whether something comes of it: a weight that is not 0."""
        if layer == self._network.layer_count - 1:
            return np.ones(self._network.sizes[-1], bool)
        leads: Array = np.any(self._network.weights(self._point, layer + 2), axis=1)
        return leads
