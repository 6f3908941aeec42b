"""The numbers of one example of a step as quantities, each with its symbol, by its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.maths.chain import slope
from app.maths.losses import LOSSES
from app.maths.network import Network
from app.timeline.run import StepRecord
from app.wire.explain import batch_derivative, example_derivatives, example_of
from app.wire.symbols import unit_letters
from app.worksheet.formula import Quantity
from app.worksheet.mathml import Markup, indexed, letter, partial


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

    @property
    def blur(self) -> float:
        """How near to 1 a number of the run can be and keep four digits of what is missing to 1."""
        return 1e4 * float(np.finfo(self.record.parameters.dtype).eps)

    @property
    def smallest(self) -> float:
        """The smallest number of the run that has all its digits."""
        return float(np.finfo(self.record.parameters.dtype).tiny)

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

    def slope(self, layer: int, unit: int) -> float:
        return slope(self.network, example_of(self.record, self.example), layer, unit)

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
        value = example_derivatives(self.record, self.network, name)[example]
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
