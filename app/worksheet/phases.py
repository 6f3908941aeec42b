"""The formulas of a step for a person with paper: each number of one example, from its sources.

A formula is built of quantities of the step's record; nothing here computes what the run computed,
but for the few things between that the record does not keep: the error, e^z summed, −α ∂E/∂w.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.losses import LOSSES
from app.maths.network import Network
from app.timeline.run import StepRecord
from app.wire.explain import batch_derivative, example_derivatives
from app.wire.symbols import unit_letters
from app.worksheet.digits import MINUS
from app.worksheet.formula import (
    Call,
    Constant,
    Exp,
    Formula,
    Product,
    Quantity,
    Ratio,
    Square,
    Sum,
)
from app.worksheet.mathml import Markup, indexed, letter, partial, row, words

ONE = Constant(1)


def plus(terms: Iterable[Formula]) -> Sum:
    return Sum(tuple(("+", term) for term in terms))


Array = NDArray[Any]
_LARGEST_POWER = 600.0  # e^z of a larger z is near what a float cannot hold


def minus(one: Formula, other: Formula) -> Sum:
    return Sum((("+", one), (MINUS, other)))


def negative(formula: Formula) -> Sum:
    return Sum(((MINUS, formula),))


def times(*factors: Formula) -> Product:
    return Product(factors)


def over(count: int, formula: Formula, top: int = 1) -> Formula:
    """Return `formula` times top / count, without the fraction where there is nothing to divide."""
    if count > 1:
        return times(Ratio(Constant(top), Constant(count)), formula)
    return formula if top == 1 else times(Constant(top), formula)


def _sigmoid(z: Formula) -> Formula:
    return Ratio(ONE, Sum((("+", ONE), ("+", Exp(negative(z))))))


# Softmax looks at all units of its layer and stands in `Numbers.softmax_shares`.
FUNCTIONS: dict[str, Callable[[Quantity], Formula]] = {
    "identity": lambda z: z,
    "sigmoid": _sigmoid,
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


@dataclass(frozen=True)
class Numbers:
    """The quantities of one example of a step, by place; layers and units count from 1."""

    record: StepRecord
    network: Network
    example: int

    @property
    def outputs(self) -> range:
        return range(1, self.network.sizes[-1] + 1)

    @property
    def rows(self) -> int:
        return len(self.record.rows)

    def units(self, layer: int) -> range:
        return range(1, self.network.sizes[layer] + 1)

    def parameter(self, name: str) -> Quantity:
        value = self.record.parameters[self.network.parameter_index(name)]
        return Quantity(parameter_markup(name), float(value), given=True)

    def came(self, layer: int, unit: int) -> Quantity:
        """Return the activation of a unit; of layer 0, an input."""
        symbol = indexed(*unit_letters(self.network, layer, unit))
        if layer == 0:
            return _given(symbol, self.record.inputs[self.example, unit - 1])
        return self._found(symbol, self.record.a, layer, unit)

    def z(self, layer: int, unit: int) -> Quantity:
        return self._found(indexed("z", str(unit), str(layer)), self.record.z, layer, unit)

    def delta(self, layer: int, unit: int) -> Quantity:
        return self._found(indexed("δ", str(unit), str(layer)), self.record.delta, layer, unit)

    def prediction(self, unit: int) -> Quantity:
        return self.came(self.network.layer_count, unit)

    def target(self, unit: int) -> Quantity:
        below = str(unit) if self.network.sizes[-1] > 1 else ""
        return _given(indexed("y", below), self.record.targets[self.example, unit - 1])

    def error(self, unit: int) -> Quantity:
        difference = self.record.a[-1][self.example] - self.record.targets[self.example]
        below = str(unit) if self.network.sizes[-1] > 1 else ""
        return Quantity(indexed("e", below), float(difference[unit - 1]))

    def loss(self, example: int) -> Quantity:
        """Return the loss of one example, by the run's own function of the record's numbers."""
        rows = slice(example, example + 1)
        z, a, y = self.record.z[-1][rows], self.record.a[-1][rows], self.record.targets[rows]
        with np.errstate(all="ignore"):
            value = LOSSES[self.network.loss].value(z, a, y, np.empty_like(a))
        return Quantity(self.loss_symbol(example), float(value), example != self.example)

    def loss_symbol(self, example: int) -> Markup:
        return indexed("E", str(example + 1)) if self.rows > 1 else letter("E")

    def derivative(self, name: str, example: int) -> Quantity:
        value = example_derivatives(self.record, name)[example]
        symbol = partial(self.loss_symbol(example), parameter_markup(name))
        return Quantity(symbol, float(value), example != self.example)

    def batch_derivative(self, name: str) -> Quantity:
        value = batch_derivative(self.record, self.network, name)
        return Quantity(partial(letter("E"), parameter_markup(name)), value)

    def names(self, layer: int) -> list[str]:
        """Return the layer's weights, those into one unit together, and its biases."""
        weights = [f"w{layer}.{i}.{j}" for j in self.units(layer) for i in self.units(layer - 1)]
        return weights + [f"b{layer}.{j}" for j in self.units(layer)]

    def _found(self, symbol: Markup, part: Sequence[Any], layer: int, unit: int) -> Quantity:
        return Quantity(symbol, float(part[layer - 1][self.example, unit - 1]))


def _given(symbol: Markup, value: Any) -> Quantity:
    return Quantity(symbol, float(value), given=True)


def parameter_markup(name: str) -> Markup:
    """w1.2.3 -> w¹₂₃, with a comma where an index has two digits."""
    layer, *units = name[1:].split(".")
    return indexed(name[0], ("," if max(map(len, units)) > 1 else "").join(units), layer)


def weighted_sum(n: Numbers, layer: int, unit: int) -> Formula:
    terms = [
        times(n.parameter(f"w{layer}.{source}.{unit}"), n.came(layer - 1, source))
        for source in n.units(layer - 1)
    ]
    return plus([*terms, n.parameter(f"b{layer}.{unit}")])


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


def _shares_delta(n: Numbers, j: int) -> Formula:
    """ŷ Σy − y, which is the error where the targets sum to 1, as they nearly always do."""
    targets = [n.target(unit) for unit in n.outputs]
    if abs(sum(y.value for y in targets) - 1) < 1e-9:
        return n.error(j)
    return minus(times(n.prediction(j), plus(targets)), n.target(j))


def _output_slope(n: Numbers, j: int) -> Formula:
    last = n.network.layer_count
    return SLOPES[n.network.activations[-1]](n.z(last, j), n.prediction(j))


OUTPUT_DELTAS: dict[str, Callable[[Numbers, int], Formula]] = {
    "half_squared_error": lambda n, j: times(n.error(j), _output_slope(n, j)),
    "mean_squared_error": lambda n, j: over(
        len(n.outputs), times(n.error(j), _output_slope(n, j)), top=2
    ),
    "binary_cross_entropy": lambda n, j: over(len(n.outputs), n.error(j)),
    "categorical_cross_entropy": _shares_delta,
}


def hidden_delta(n: Numbers, layer: int, unit: int) -> Formula:
    slope = SLOPES[n.network.activations[layer - 1]](n.z(layer, unit), n.came(layer, unit))
    back = plus(
        times(n.parameter(f"w{layer + 1}.{unit}.{to}"), n.delta(layer + 1, to))
        for to in n.units(layer + 1)
    )
    return times(slope, back)


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
