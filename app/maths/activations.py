"""Activations as a table: each is a function and, beside it, its derivative.

Adding one is one entry. All work in place or into `out`, so that training allocates nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# As an array of no dimension, which costs a small network half of what a Python number does.
_ONE = {kind: np.ones((), kind) for kind in "fd"}


@dataclass(frozen=True)
class Activation:
    """`a = function(z)` and `da/dz`, both over arrays of shape (rows, units).

    `function(z, out)` writes a into `out`; `derivative(z, a, out)` writes da/dz into `out`, given
    both z and a so that it can use the cheaper one. `only_output` marks softmax: its derivative is
    a matrix, which never has to be formed when it is paired with its cross entropy. `slope` is the
    derivative as people write it.
    """

    name: str
    meaning: str
    function: Callable[[Array, Array], object]
    derivative: Callable[[Array, Array, Array], None]
    slope: str
    only_output: bool = False


def _identity(z: Array, out: Array) -> None:
    np.copyto(out, z)


def _ones(z: Array, a: Array, out: Array) -> None:
    out.fill(1.0)


def _sigmoid(z: Array, out: Array) -> None:
    # 1 / (1 + e^-z): for very negative z, e^-z overflows to infinity and the quotient is a true 0.
    np.negative(z, out)
    np.exp(out, out)
    np.add(out, _ONE[out.dtype.char], out)
    np.reciprocal(out, out)


def _sigmoid_slope(z: Array, a: Array, out: Array) -> None:
    np.subtract(_ONE[out.dtype.char], a, out)
    np.multiply(out, a, out)


def _tanh_slope(z: Array, a: Array, out: Array) -> None:
    np.multiply(a, a, out)
    np.subtract(_ONE[out.dtype.char], out, out)


def _relu(z: Array, out: Array) -> None:
    np.maximum(z, 0.0, out=out)


def _relu_slope(z: Array, a: Array, out: Array) -> None:
    # At the kink (z = 0) the slope is taken as 0, the usual convention. NaN stays 0 here, but is
    # caught in a and in the loss.
    np.greater(z, 0.0, out)


def _softmax(z: Array, out: Array) -> None:
    # Shifted by the row's largest z, which changes nothing in theory and prevents overflow.
    np.subtract(z, z.max(axis=1, keepdims=True), out)
    np.exp(out, out)
    np.divide(out, out.sum(axis=1, keepdims=True), out)


def _softmax_slope(z: Array, a: Array, out: Array) -> None:
    raise TypeError("softmax has no derivative unit by unit: it is paired with its cross entropy")


ACTIVATIONS: dict[str, Activation] = {
    entry.name: entry
    for entry in (
        Activation("identity", "passes z on unchanged", _identity, _ones, "1"),
        Activation("sigmoid", "squeezes z into 0 to 1", _sigmoid, _sigmoid_slope, "a (1 − a)"),
        Activation("tanh", "squeezes z into -1 to 1", np.tanh, _tanh_slope, "1 − a²"),
        Activation(
            "relu",
            "passes a positive z on, and 0 otherwise",
            _relu,
            _relu_slope,
            "1 if z > 0, else 0",
        ),
        Activation("softmax", "makes shares that sum to 1", _softmax, _softmax_slope, "", True),
    )
}
