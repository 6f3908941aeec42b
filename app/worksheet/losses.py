"""The formulas of softmax and of the losses, which look at all outputs of an example together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.worksheet.formula import (
    ONE,
    Call,
    Constant,
    Exp,
    Formula,
    Quantity,
    Ratio,
    Square,
    minus,
    negative,
    over,
    plus,
    times,
)
from app.worksheet.mathml import letter
from app.worksheet.numbers import Numbers

Array = NDArray[Any]
_LARGEST_POWER = 600.0  # e^z of a larger z is near what a float cannot hold


def powers_total(n: Numbers, layer: int) -> tuple[Quantity, Formula, str]:
    """Return S, the sum of all powers that softmax takes shares of, how it comes about, a note."""
    powers = [softmax_power(n, layer, unit) for unit in n.units(layer)]
    z = np.array([n.z(layer, unit).value for unit in n.units(layer)])
    shift = float(z.max()) if _is_shifted(z) else 0.0
    note = "less the largest z, which changes no share" if shift else ""
    return Quantity(letter("S"), float(np.exp(z - shift).sum())), plus(powers), note


def softmax_power(n: Numbers, layer: int, unit: int) -> Formula:
    """Return e^z of a unit; where that is out of range, less the largest z, as the run has it."""
    z = [n.z(layer, one) for one in n.units(layer)]
    largest = max(z, key=lambda one: one.value)
    own = z[unit - 1]
    shifted = _is_shifted(np.array([one.value for one in z]))
    return Exp(minus(own, largest) if shifted else own)


def _is_shifted(z: Array) -> bool:
    """Tell whether the sum of all e^z is too large or too small for a float."""
    return bool(abs(z.max()) > _LARGEST_POWER)


def squares(n: Numbers) -> Formula:
    return plus(Square(n.error(j)) for j in n.outputs)


def _yes_or_no(n: Numbers) -> Formula:
    terms: list[Formula] = []
    for j in n.outputs:
        y, prediction = n.target(j), n.prediction(j)
        terms.append(times(y, Call("ln", (prediction,))))
        terms.append(times(minus(ONE, y), Call("ln", (minus(ONE, prediction),))))
    return negative(over(len(n.outputs), times(plus(terms))))


def _classes(n: Numbers) -> Formula:
    """Leave out the classes with y = 0, whose terms are 0 also where ln ŷ has no value."""
    true = [j for j in n.outputs if n.target(j).value != 0] or n.outputs
    return negative(times(plus(times(n.target(j), Call("ln", (n.prediction(j),))) for j in true)))


LOSS_FORMULAS: dict[str, Callable[[Numbers], Formula]] = {
    "half_squared_error": lambda n: times(Ratio(ONE, Constant(2)), squares(n)),
    "mean_squared_error": lambda n: over(len(n.outputs), squares(n)),
    "binary_cross_entropy": _yes_or_no,
    "categorical_cross_entropy": _classes,
}
