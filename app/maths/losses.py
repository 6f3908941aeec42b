"""Losses as a table: each is a value and, beside it, delta = dE/dz of the output layer.

Every loss is a mean over the batch; over the J outputs of one example `half_squared_error` and
`categorical_cross_entropy` sum, `mean_squared_error` and `binary_cross_entropy` divide by J.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Loss:
    """A loss over outputs of shape (rows, units).

    `each(z, a, y)` is the loss of each example, in arrays (..., units) of any number of examples.
    `value(z, a, y, work)` is the loss of the batch, their mean, and allocates little; `work` has
    the outputs' shape, and the squared losses leave a - y in it. `slope(a, y, work)` comes after
    it, with the same `work`, and writes dE_k/da of each example's own loss there, without the
    batch's 1/rows; where `fused` is True it writes dE_k/dz at once, since loss and activation
    belong together and their product is simpler, and exact where the activation saturates.
    `formula` is the slope as people write it, for J outputs.
    `activation` names the only output activation that the loss goes with, or None for any.
    """

    name: str
    meaning: str
    each: Callable[[Array, Array, Array], Array]
    value: Callable[[Array, Array, Array, Array], float]
    slope: Callable[[Array, Array, Array], None]
    formula: str
    fused: bool = False
    activation: str | None = None


def _each_half_squared(z: Array, a: Array, y: Array) -> Array:
    return 0.5 * _squares(a, y)


def _each_mean_squared(z: Array, a: Array, y: Array) -> Array:
    losses: Array = _squares(a, y) / a.shape[-1]
    return losses


def _each_binary_cross_entropy(z: Array, a: Array, y: Array) -> Array:
    # -y ln a - (1-y) ln(1-a) = ln(1 + e^z) - y z, which is exact where the sigmoid saturates.
    losses: Array = (np.logaddexp(0.0, z) - y * z).mean(axis=-1)
    return losses


def _each_categorical_cross_entropy(z: Array, a: Array, y: Array) -> Array:
    # -sum y ln softmax(z) = sum y (ln sum e^z - z), shifted by the example's largest z.
    shifted = z - z.max(axis=-1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    losses: Array = ((log_total - shifted) * y).sum(axis=-1)
    return losses


def _squares(a: Array, y: Array) -> Array:
    difference = a - y
    losses: Array = np.einsum("...i,...i->...", difference, difference)
    return losses


def _sum_of_squares(a: Array, y: Array, work: Array) -> float:
    np.subtract(a, y, work)
    flat = work.ravel("K")
    return float(flat.dot(flat))


def _half_squared(z: Array, a: Array, y: Array, work: Array) -> float:
    return 0.5 * _sum_of_squares(a, y, work) / len(a)


def _difference(a: Array, y: Array, work: Array) -> None:
    """The slope is a - y, which is there already."""


def _mean_squared(z: Array, a: Array, y: Array, work: Array) -> float:
    return _sum_of_squares(a, y, work) / a.size


def _mean_squared_slope(a: Array, y: Array, work: Array) -> None:
    np.multiply(work, 2.0 / a.shape[1], work)


def _binary_cross_entropy(z: Array, a: Array, y: Array, work: Array) -> float:
    np.logaddexp(0.0, z, work)
    total = work.sum()
    np.multiply(y, z, work)
    return float((total - work.sum()) / a.size)


def _binary_cross_entropy_slope(a: Array, y: Array, out: Array) -> None:
    np.subtract(a, y, out)
    if out.shape[1] > 1:
        np.multiply(out, 1.0 / out.shape[1], out)


def _categorical_cross_entropy(z: Array, a: Array, y: Array, work: Array) -> float:
    np.subtract(z, z.max(axis=1, keepdims=True), work)
    log_total = np.log(np.exp(work).sum(axis=1, keepdims=True))
    np.subtract(log_total, work, work)
    np.multiply(work, y, work)
    return float(work.sum()) / len(a)


def _categorical_cross_entropy_slope(a: Array, y: Array, out: Array) -> None:
    # a * sum(y) - y: targets that do not sum to 1 are allowed and differentiated rightly.
    np.multiply(a, y.sum(axis=1, keepdims=True), out)
    np.subtract(out, y, out)


LOSSES: dict[str, Loss] = {
    entry.name: entry
    for entry in (
        Loss(
            "half_squared_error",
            "half the squared error",
            _each_half_squared,
            _half_squared,
            _difference,
            "ŷ − y",
        ),
        Loss(
            "mean_squared_error",
            "the mean squared error",
            _each_mean_squared,
            _mean_squared,
            _mean_squared_slope,
            "2 (ŷ − y) / J",
        ),
        Loss(
            "binary_cross_entropy",
            "surprise at a yes or no, in nats",
            _each_binary_cross_entropy,
            _binary_cross_entropy,
            _binary_cross_entropy_slope,
            "(ŷ − y) / J",
            fused=True,
            activation="sigmoid",
        ),
        Loss(
            "categorical_cross_entropy",
            "surprise at the true class, in nats",
            _each_categorical_cross_entropy,
            _categorical_cross_entropy,
            _categorical_cross_entropy_slope,
            "ŷ Σy − y",
            fused=True,
            activation="softmax",
        ),
    )
}
