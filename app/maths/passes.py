"""The forward and the backward pass, into buffers that are made once and can be read afterwards.

Notation: a_0 are the inputs, z_l = a_(l-1) W_l + b_l, a_l = f_l(z_l), delta_l = dE_k/dz_l of
one example k. Backward: delta_(l-1) = (delta_l W_l^T) * f'(z_(l-1)), and the mean over the batch
dE/dW_l = a_(l-1)^T delta_l / rows (Rumelhart, Hinton and Williams 1986; Nielsen 2015, chapter 2).

Every a_l but the last has one more column that is always 1, so the bias is one more row of W and
costs no call of its own. `np.dot(..., out=)` takes half as long as `@` for small matrices. The same
batch size always takes the same path, so a step gives the same bits however it was reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from app.maths.activations import ACTIVATIONS
from app.maths.losses import LOSSES
from app.maths.network import Network

Array = NDArray[Any]
_KEPT_BINDINGS = 8
_MANY_PARAMETERS = 4_000


@dataclass(frozen=True)
class _Buffers:
    """The arrays of one batch size: `stacked[l]` is a_l and a column of ones, (rows, units + 1)."""

    stacked: list[Array]
    a: list[Array]
    z: list[Array]
    delta: list[Array]
    work: list[Array]


class Passes:
    """Runs `network` on batches of at most `rows` rows, in one precision.

    After `step`: `gradient` (flat, the batch mean, 0 for biases that are not trained), and for
    layers counted from 0 `z[l]`, `a[l]`, `delta[l]` of shape (rows, units); delta belongs to each
    example's own loss. They are overwritten by the next call. Numbers that overflow become inf or
    nan; whether NumPy warns about it is the caller's `np.errstate`.
    """

    def __init__(self, network: Network, rows: int, dtype: DTypeLike) -> None:
        self.network, self.rows, self.dtype = network, rows, np.dtype(dtype)
        self.gradient = np.zeros(network.parameter_count, self.dtype)
        self._loss = LOSSES[network.loss]
        self._activations = [ACTIVATIONS[name] for name in network.activations]
        self._slopes = [None if f.name == "identity" else f.derivative for f in self._activations]
        self._stacked_gradients = [
            network.stacked(self.gradient, layer) for layer in range(1, network.layer_count + 1)
        ]
        self._bias_gradients = [
            network.biases(self.gradient, layer) for layer in range(1, network.layer_count + 1)
        ]
        # The mean over a batch needs one factor 1 / rows: on the gradient it is one call, on every
        # delta it is less to multiply. Which is faster depends on the size.
        self._scales_delta = network.parameter_count > _MANY_PARAMETERS
        self._buffers: dict[int, _Buffers] = {}
        self._bound: dict[tuple[int, int], tuple[Array, list[Any], list[Any]]] = {}
        self._now = self._buffers_for(rows)

    @property
    def z(self) -> list[Array]:
        return self._now.z

    @property
    def a(self) -> list[Array]:
        return self._now.a[1:]

    @property
    def delta(self) -> list[Array]:
        return self._now.delta

    def loss(self, parameters: Array, inputs: Array, targets: Array) -> float:
        """Return the batch's loss; inputs are (rows, from), targets (rows, outputs)."""
        now, forward, _ = self._bind(parameters, len(inputs))
        return self._forward(now, forward, inputs, targets)

    def step(self, parameters: Array, inputs: Array, targets: Array) -> float:
        """Run forward and backward, fill `gradient`, and return the loss before any update."""
        now, forward, backward = self._bind(parameters, len(inputs))
        loss = self._forward(now, forward, inputs, targets)
        self._output_delta(now, targets)
        dot, multiply = np.dot, np.multiply
        share, scales_delta = 1.0 / len(inputs), self._scales_delta and len(inputs) > 1
        for sources, delta, scaled, gradient, weights, before, z, a, slope, work in backward:
            if scales_delta:
                multiply(delta, share, scaled)
                dot(sources, scaled, gradient)
            else:
                dot(sources, delta, gradient)
            if before is not None:
                dot(delta, weights, before)
                if slope is not None:
                    slope(z, a, work)
                    multiply(before, work, before)
        if len(inputs) > 1 and not scales_delta:
            multiply(self.gradient, share, self.gradient)
        if not self.network.train_biases:
            for biases in self._bias_gradients:
                biases.fill(0.0)
        return loss

    def _forward(self, now: _Buffers, layers: list[Any], inputs: Array, targets: Array) -> float:
        np.copyto(now.a[0], inputs)
        dot = np.dot
        for sources, weights, z, function, a in layers:
            dot(sources, weights, z)
            if function is not None:
                function(z, a)
        return self._loss.value(now.z[-1], now.a[-1], targets, now.delta[-1])

    def _output_delta(self, now: _Buffers, targets: Array) -> None:
        delta = now.delta[-1]
        self._loss.slope(now.a[-1], targets, delta)
        slope = self._slopes[-1]
        if slope is not None and not self._loss.fused:
            slope(now.z[-1], now.a[-1], now.work[-1])
            np.multiply(delta, now.work[-1], delta)

    def _bind(self, parameters: Array, rows: int) -> tuple[_Buffers, list[Any], list[Any]]:
        """Return the views that one pass needs; making them anew would cost more than the sums."""
        now = self._now = self._buffers.get(rows) or self._buffers_for(rows)
        key = (id(parameters), rows)
        found = self._bound.get(key)
        if found is None or found[0] is not parameters:
            if len(self._bound) >= _KEPT_BINDINGS:
                self._bound.clear()
            layers = range(self.network.layer_count)
            forward = [self._forward_views(now, parameters, layer) for layer in layers]
            backward = [self._backward_views(now, parameters, layer) for layer in reversed(layers)]
            found = self._bound[key] = (parameters, forward, backward)
        return now, found[1], found[2]

    def _forward_views(self, now: _Buffers, parameters: Array, layer: int) -> tuple[Any, ...]:
        passed_on = now.z[layer] is now.a[layer + 1]
        function = None if passed_on else self._activations[layer].function
        weights = self.network.stacked(parameters, layer + 1)
        return now.stacked[layer], weights, now.z[layer], function, now.a[layer + 1]

    def _backward_views(self, now: _Buffers, parameters: Array, layer: int) -> tuple[Any, ...]:
        delta, gradient = now.delta[layer], self._stacked_gradients[layer]
        head = now.stacked[layer].T, delta, now.work[layer], gradient
        if layer == 0:
            return *head, None, None, None, None, None, None
        weights = self.network.weights(parameters, layer + 1).T
        before, z, a = now.delta[layer - 1], now.z[layer - 1], now.a[layer]
        return *head, weights, before, z, a, self._slopes[layer - 1], now.work[layer - 1]

    def _buffers_for(self, rows: int) -> _Buffers:
        if not 1 <= rows <= self.rows:
            raise ValueError(f"expected 1 to {self.rows} rows, got {rows}")
        sizes, empty = self.network.sizes, np.empty
        stacked = [np.ones((rows, size + 1), self.dtype) for size in sizes[:-1]]

        def each() -> list[Array]:
            return [empty((rows, size), self.dtype) for size in sizes[1:]]

        z = each()
        # An identity output is its z: no copy.
        output = z[-1] if self._slopes[-1] is None else empty((rows, sizes[-1]), self.dtype)
        a = [part[:, :-1] for part in stacked] + [output]
        made = self._buffers[rows] = _Buffers(stacked, a, z, each(), each())
        return made
