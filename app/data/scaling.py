"""Scaling between a column's own units and what the network sees: own = number * scale + mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Scaling:
    """`mean` and `scale`, one number a column each."""

    mean: Array
    scale: Array

    def to_network(self, own: Array) -> Array:
        return (own - self.mean) / self.scale

    def to_own_units(self, numbers: Array) -> Array:
        """Return them in the column's own units, infinite where a float cannot hold that."""
        with np.errstate(over="ignore"):
            own: Array = numbers * self.scale + self.mean
        return own


def standardising(rows: Array) -> Scaling:
    """Return the scaling to mean 0 and standard deviation 1 of `rows` (rows, columns).

    A constant column has no spread: it is only centred.
    """
    spread = rows.std(axis=0)
    return Scaling(rows.mean(axis=0), np.where(spread > 0, spread, 1.0))


def per_unit(per: list[float]) -> Scaling:
    """Return the scaling that only multiplies: 1 in the network is `per` in the column's units."""
    return Scaling(np.zeros(len(per)), np.array(per, float))
