"""The formulas of a step for a person with paper: each number of one example, from its sources.

A formula is built of quantities of the step's record; nothing here computes what the run computed,
but for the few things between that the record does not keep: the error, e^z summed, −α ∂E/∂w.
"""

from __future__ import annotations

from collections.abc import Callable

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
from app.worksheet.mathml import Markup, letter, row, words
from app.worksheet.numbers import Numbers

FAR = -200.0  # of a z below it, e^-z is more than pocket calculators hold


def sigmoid(z: Quantity) -> Formula:
    if z.value < FAR:
        return Ratio(Exp(z), plus([ONE, Exp(z)]))
    return Ratio(ONE, plus([ONE, Exp(negative(z))]))


# Softmax looks at all units of its layer: see losses.py.
FUNCTIONS: dict[str, Callable[[Quantity], Formula]] = {
    "identity": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": lambda z: Call("tanh", (z,)),
    "relu": lambda z: Call("max", (Constant(0), z)),
}
SLOPES: dict[str, Callable[[Quantity, Quantity], Formula]] = {
    "identity": lambda z, a: ONE,
    "sigmoid": lambda z, a: times(a, minus(ONE, a)),
    "tanh": lambda z, a: minus(ONE, Square(a)),
    "relu": lambda z, a: Quantity(_slope_symbol(z), float(z.value > 0)),
}


def _slope_symbol(z: Quantity) -> Markup:
    return row([letter("f′"), Markup("mo", "("), z.symbol, Markup("mo", ")")])


def slope(n: Numbers, layer: int, unit: int) -> Formula:
    """f'(z) of a unit; the run's own number where a has come too near to 1 to tell it."""
    z, a = n.z(layer, unit), n.came(layer, unit)
    if is_saturated(n, layer, unit):
        return Quantity(_slope_symbol(z), n.slope(layer, unit), given=True)
    return SLOPES[n.network.activations[layer - 1]](z, a)


def is_saturated(n: Numbers, layer: int, unit: int) -> bool:
    """Tell whether 1 - a, which f'(z) is made of, has lost its digits: a is nearly 1 or -1."""
    squeezes = n.network.activations[layer - 1] in ("sigmoid", "tanh")
    return squeezes and 0 < 1 - abs(n.came(layer, unit).value) < n.blur


def weighted_sum(n: Numbers, layer: int, unit: int) -> Formula:
    terms = [
        times(n.parameter(f"w{layer}.{source}.{unit}"), n.came(layer - 1, source))
        for source in n.units(layer - 1)
    ]
    return plus([*terms, n.parameter(f"b{layer}.{unit}")])


def _shares_delta(n: Numbers, j: int) -> Formula:
    """ŷ Σy − y, which is the error where the targets sum to 1, as they nearly always do."""
    targets = [n.target(unit) for unit in n.outputs]
    if abs(sum(y.value for y in targets) - 1) < 1e-9:
        return n.error(j)
    return minus(times(n.prediction(j), plus(targets)), n.target(j))


OUTPUT_DELTAS: dict[str, Callable[[Numbers, int], Formula]] = {
    "half_squared_error": lambda n, j: times(n.error(j), slope(n, n.network.layer_count, j)),
    "mean_squared_error": lambda n, j: over(
        len(n.outputs), times(n.error(j), slope(n, n.network.layer_count, j)), top=2
    ),
    "binary_cross_entropy": lambda n, j: over(len(n.outputs), n.error(j)),
    "categorical_cross_entropy": _shares_delta,
}


def hidden_delta(n: Numbers, layer: int, unit: int) -> Formula:
    back = plus(
        times(n.parameter(f"w{layer + 1}.{unit}.{to}"), n.delta(layer + 1, to))
        for to in n.units(layer + 1)
    )
    return times(slope(n, layer, unit), back)


def local_derivative(n: Numbers, name: str) -> Formula:
    """a times δ; of a bias δ, since what a bias is multiplied by is 1."""
    layer, *units = (int(part) for part in name[1:].split("."))
    delta = n.delta(layer, units[-1])
    return delta if len(units) == 1 else times(n.came(layer - 1, units[0]), delta)


def update_forms(n: Numbers, name: str) -> tuple[Formula, Formula]:
    """The old value less α times the derivative; and the same with −α ∂E/∂w added."""
    old, derivative = n.parameter(name), n.batch_derivative(name)
    rate = Quantity(letter("α"), n.record.learning_rate, given=True)
    step = -n.record.learning_rate * derivative.value
    change = Quantity(words("update"), step)
    return minus(old, times(rate, derivative)), plus([old, change])
