"""The forward and the backward pass, into buffers that are made once and can be read afterwards.

Notation: a_0 are the inputs, z_l = a_(l-1) W_l + b_l, a_l = f_l(z_l), delta_l = dE_k/dz_l of
one example k. Backward: delta_(l-1) = (delta_l W_l^T) * f'(z_(l-1)), and the mean over the batch
dE/dW_l = a_(l-1)^T delta_l / rows (Rumelhart, Hinton and Williams 1986; Nielsen 2015, chapter 2).

Every a_l but the last has one more column that is always 1, so the bias is one more row of W and
costs no call of its own. The buffers lie column by column: so a_l without its ones is contiguous
too, every function of it is one loop, and the transposes are what `dot` wants to write into. An
array's own `dot`, looked up once, takes a third of `@`, and a factor that is an array of no
dimension half of one that is a Python number. The same batch size always takes the same path, so a
step gives the same bits however it was reached.
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


def with_ones(inputs: Array) -> Array:
    """Return `inputs`, (rows, from), and a column of ones, which is how the passes take them."""
    return np.concatenate([inputs, np.ones((len(inputs), 1), inputs.dtype)], axis=1)


@dataclass(frozen=True)
class _Buffers:
    """The arrays of one batch size, (rows, units); `stacked[l]` is a[l] and a column of ones.

    `share` is 1 / rows, of no dimension.
    """

    stacked: list[Array]
    a: list[Array]
    z: list[Array]
    delta: list[Array]
    work: list[Array]
    share: Array


@dataclass(frozen=True)
class _Bound:
    """The views that a pass over these `parameters` needs: to make them costs more than the sums.

    `forward` and `backward` have an entry a layer, but none in `backward` for the first, whose
    gradient is all that is left to do; see `Passes._forward_views` and `Passes._backward_views`.
    """

    parameters: Array
    buffers: _Buffers
    forward: list[tuple[Any, ...]]
    backward: list[tuple[Any, ...]]


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
        layers = range(1, network.layer_count + 1)
        self._stacked_gradients = [network.stacked(self.gradient, layer) for layer in layers]
        self._bias_gradients = [network.biases(self.gradient, layer) for layer in layers]
        # The mean over a batch needs one factor 1 / rows: on the gradient it is one call, on every
        # delta it is less to multiply. Which is faster depends on the size.
        self._scales_delta = network.parameter_count > _MANY_PARAMETERS
        self._buffers: dict[int, _Buffers] = {}
        self._bound: dict[tuple[int, int], _Bound] = {}
        self._now = self._buffers_for(rows)

    @property
    def z(self) -> list[Array]:
        return self._now.z

    @property
    def a(self) -> list[Array]:
        return self._now.a

    @property
    def delta(self) -> list[Array]:
        return self._now.delta

    def loss(self, parameters: Array, inputs: Array, targets: Array) -> float:
        """Return the batch's loss; inputs are `with_ones`, targets (rows, outputs)."""
        return self._forward(self._bind(parameters, len(inputs)), inputs, targets)

    def step(self, parameters: Array, inputs: Array, targets: Array) -> float:
        """Run forward and backward, fill `gradient`, and return the loss before any update."""
        rows = len(inputs)
        bound = self._bind(parameters, rows)
        loss = self._forward(bound, inputs, targets)
        self._backward(bound, inputs, targets)
        if rows > 1 and not self._scales_delta:
            np.multiply(self.gradient, bound.buffers.share, self.gradient)
        if not self.network.train_biases:
            for biases in self._bias_gradients:
                biases.fill(0.0)
        return loss

    def _forward(self, bound: _Bound, inputs: Array, targets: Array) -> float:
        sources = inputs.T
        for product, z_t, z, function, a, stacked_t in bound.forward:
            product(sources, z_t)
            if function is not None:
                function(z, a)
            sources = stacked_t
        now = bound.buffers
        return self._loss.value(now.z[-1], now.a[-1], targets, now.delta[-1])

    def _backward(self, bound: _Bound, inputs: Array, targets: Array) -> None:
        multiply, now = np.multiply, bound.buffers
        self._output_delta(now, targets)
        scales = self._scales_delta and len(inputs) > 1
        for (
            delta,
            scaled,
            product,
            gradient,
            product_back,
            delta_t,
            before_t,
            slope,
        ) in bound.backward:
            product(multiply(delta, now.share, scaled) if scales else delta, gradient)
            product_back(delta_t, before_t)
            if slope is not None:
                function, z, a, work, before = slope
                function(z, a, work)
                multiply(before, work, before)
        delta = now.delta[0]
        if scales:
            delta = multiply(delta, now.share, now.work[0])
        inputs.T.dot(delta, self._stacked_gradients[0])

    def _output_delta(self, now: _Buffers, targets: Array) -> None:
        delta = now.delta[-1]
        self._loss.slope(now.a[-1], targets, delta)
        slope = self._slopes[-1]
        if slope is not None and not self._loss.fused:
            slope(now.z[-1], now.a[-1], now.work[-1])
            np.multiply(delta, now.work[-1], delta)

    def _bind(self, parameters: Array, rows: int) -> _Bound:
        key = (id(parameters), rows)
        bound = self._bound.get(key)
        if bound is None or bound.parameters is not parameters:
            bound = self._bind_anew(parameters, rows)
            if len(self._bound) >= _KEPT_BINDINGS:
                self._bound.clear()
            self._bound[key] = bound
        self._now = bound.buffers
        return bound

    def _bind_anew(self, parameters: Array, rows: int) -> _Bound:
        now = self._buffers.get(rows) or self._buffers_for(rows)
        layers = range(self.network.layer_count)
        forward = [self._forward_views(now, parameters, layer) for layer in layers]
        backward = [self._backward_views(now, parameters, layer) for layer in reversed(layers[1:])]
        return _Bound(parameters, now, forward, backward)

    def _forward_views(self, now: _Buffers, parameters: Array, layer: int) -> tuple[Any, ...]:
        z, a = now.z[layer], now.a[layer]
        function = None if z is a else self._activations[layer].function
        sources = now.stacked[layer].T if layer < self.network.layer_count - 1 else None
        product = self.network.stacked(parameters, layer + 1).T.dot
        return product, z.T, z, function, a, sources

    def _backward_views(self, now: _Buffers, parameters: Array, layer: int) -> tuple[Any, ...]:
        delta, before, work = now.delta[layer], now.delta[layer - 1], now.work[layer - 1]
        function, slope = self._slopes[layer - 1], None
        if function is not None:
            slope = function, now.z[layer - 1], now.a[layer - 1], work, before
        product, gradient = now.stacked[layer - 1].T.dot, self._stacked_gradients[layer]
        product_back = self.network.weights(parameters, layer + 1).dot
        head = delta, now.work[layer], product, gradient
        return *head, product_back, delta.T, before.T, slope

    def _buffers_for(self, rows: int) -> _Buffers:
        if not 1 <= rows <= self.rows:
            raise ValueError(f"expected 1 to {self.rows} rows, got {rows}")
        sizes = self.network.sizes[1:]

        def each() -> list[Array]:
            return [np.empty((rows, size), self.dtype, order="F") for size in sizes]

        z = each()
        stacked = [np.ones((rows, size + 1), self.dtype, order="F") for size in sizes]
        a = [part[:, :-1] for part in stacked]
        if self._slopes[-1] is None:
            a[-1] = z[-1]  # an identity output is its z: no copy
        made = self._buffers[rows] = _Buffers(
            stacked, a, z, each(), each(), np.array(1.0 / rows, self.dtype)
        )
        return made
