"""Initial weights as a table: name -> a draw from a given generator. Biases start at 0.

Sources: Glorot and Bengio 2010 (xavier), He, Zhang, Ren and Sun 2015 (he).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, int]


def _xavier_uniform(rng: np.random.Generator, shape: Shape) -> Array:
    bound = np.sqrt(6.0 / (shape[0] + shape[1]))
    return rng.uniform(-bound, bound, shape)


def _xavier_normal(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.normal(0.0, np.sqrt(2.0 / (shape[0] + shape[1])), shape)


def _he_uniform(rng: np.random.Generator, shape: Shape) -> Array:
    bound = np.sqrt(6.0 / shape[0])
    return rng.uniform(-bound, bound, shape)


def _he_normal(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.normal(0.0, np.sqrt(2.0 / shape[0]), shape)


def _zeros(rng: np.random.Generator, shape: Shape) -> Array:
    return np.zeros(shape)


INITIALIZERS: dict[str, Callable[[np.random.Generator, Shape], Array]] = {
    "xavier_uniform": _xavier_uniform,
    "xavier_normal": _xavier_normal,
    "he_uniform": _he_uniform,
    "he_normal": _he_normal,
    "zeros": _zeros,
}
