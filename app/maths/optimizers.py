"""Optimizers as a table: how a gradient becomes an update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Optimizer:
    """`update(parameters, gradient, state, learning_rate, out)` writes the new parameters to `out`.

    All arrays are flat and of one precision; the learning rate is an array of no dimension. `out`
    may not be `parameters` or `gradient`. `state` holds `state_size(parameter_count)` numbers, is
    zero at first and is changed in place.
    """

    name: str
    meaning: str
    state_size: Callable[[int], int]
    update: Callable[[Array, Array, Array, Array, Array], None]


def _descend(p: Array, gradient: Array, state: Array, learning_rate: Array, out: Array) -> None:
    np.multiply(gradient, learning_rate, out)
    np.subtract(p, out, out)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer("sgd", "adds -learning rate times the gradient", lambda count: 0, _descend),
}
