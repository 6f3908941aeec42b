"""The formulas of softmax and of the losses, which look at all outputs of an example together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from app.worksheet.digits import MINUS
from app.worksheet.formula import (
    ONE,
    Call,
    Constant,
    Exp,
    Formula,
    Quantity,
    Ratio,
    Square,
    Sum,
    minus,
    negative,
    over,
    plus,
    times,
)
from app.worksheet.mathml import letter
from app.worksheet.numbers import Numbers

_LARGEST_POWER = 20.0  # e^z of a larger z has more digits than are printed


def powers_total(n: Numbers, layer: int) -> tuple[Quantity, Formula, str]:
    """Return S, the sum of all powers that softmax takes shares of, how it comes about, a note."""
    powers = [softmax_power(n, layer, unit) for unit in n.units(layer)]
    shifted, z = _is_shifted(n, layer), n.record.z[layer - 1][n.example].astype(np.float64)
    total = float(np.exp(z - (z.max() if shifted else 0.0)).sum())
    note = "less the largest z, which changes no share" if shifted else ""
    return Quantity(letter("S"), total), plus(powers), note


def softmax_power(n: Numbers, layer: int, unit: int) -> Formula:
    """Return e^z of a unit; where that is out of range, less the largest z, as the run has it."""
    own = n.z(layer, unit)
    if not _is_shifted(n, layer):
        return Exp(own)
    largest = max((n.z(layer, one) for one in n.units(layer)), key=lambda z: z.value)
    return Exp(minus(own, largest))


def _is_shifted(n: Numbers, layer: int) -> bool:
    """Tell whether the sum of all e^z is too large or too small for the digits on paper."""
    return bool(abs(n.record.z[layer - 1][n.example].max()) > _LARGEST_POWER)


def squares(n: Numbers) -> Formula:
    return plus(Square(n.error(j)) for j in n.outputs)


def is_in_z(n: Numbers) -> bool:
    """Tell whether a logarithm of it has lost its digits: ŷ is 0, or nearly 1 of yes or no."""
    numbers = [(n.target(j).value, n.prediction(j).value) for j in n.outputs]
    if n.network.loss == "binary_cross_entropy" and any(1 - a < n.blur for _, a in numbers):
        return True
    is_logarithm = n.network.loss.endswith("cross_entropy")
    return is_logarithm and any(y != 0 and a < n.smallest for y, a in numbers)


def _yes_or_no(n: Numbers) -> Formula:
    """-(y ln ŷ + (1 - y) ln(1 - ŷ)) of every output, without what is 0, and in z where it must."""
    if is_in_z(n):
        return over(len(n.outputs), times(Sum(tuple(t for j in n.outputs for t in _in_z(n, j)))))
    return negative(
        over(len(n.outputs), times(plus(t for j in n.outputs for t in _surprise(n, j))))
    )


def _surprise(n: Numbers, j: int) -> Iterator[Formula]:
    y, prediction = n.target(j), n.prediction(j)
    if y.value != 0:
        yield times(y, Call("ln", (prediction,)))
    if y.value != 1:
        yield times(minus(ONE, y), Call("ln", (minus(ONE, prediction),)))


def _in_z(n: Numbers, j: int) -> Iterator[tuple[str, Formula]]:
    """Yield ln(1 + e^z) - y z as the run has it, but never with a power that grows: of z above 0
    it is ln(1 + e^-z) + (1 - y) z.
    """
    y, z = n.target(j), n.z(n.network.layer_count, j)
    above = z.value > 0
    yield "+", Call("ln", (plus([ONE, Exp(negative(z) if above else z)]),))
    if above and y.value != 1:
        yield "+", times(minus(ONE, y), z)
    if not above and y.value != 0:
        yield MINUS, times(y, z)


def _classes(n: Numbers) -> Formula | None:
    """-y ln ŷ of the classes whose y is not 0; as y (ln S - z) where ŷ is too small for its digits.

    None where every y is 0: there is nothing to work out.
    """
    true = [j for j in n.outputs if n.target(j).value != 0]
    if not true:
        return None
    if is_in_z(n):
        return times(plus(times(n.target(j), _log_share(n, j)) for j in true))
    return negative(times(plus(times(n.target(j), Call("ln", (n.prediction(j),))) for j in true)))


def _log_share(n: Numbers, j: int) -> Formula:
    """-ln ŷ as ln S - z; as ln S - z + the largest z where S is of powers less that."""
    last = n.network.layer_count
    total = Call("ln", (powers_total(n, last)[0],))
    if not _is_shifted(n, last):
        return minus(total, n.z(last, j))
    largest = max((n.z(last, one) for one in n.outputs), key=lambda z: z.value)
    return Sum((("+", total), (MINUS, n.z(last, j)), ("+", largest)))


LOSS_FORMULAS: dict[str, Callable[[Numbers], Formula | None]] = {
    "half_squared_error": lambda n: times(Ratio(ONE, Constant(2)), squares(n)),
    "mean_squared_error": lambda n: over(len(n.outputs), squares(n)),
    "binary_cross_entropy": _yes_or_no,
    "categorical_cross_entropy": _classes,
}
