"""The sections of a worksheet, phase by phase: which lines stand where, and what is said first."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from app.data.datasets import Dataset
from app.data.scaling import Scaling
from app.maths.losses import LOSSES
from app.worksheet import words as say
from app.worksheet.digits import CARRIED
from app.worksheet.formula import Quantity, Ratio, minus, over, plus, times
from app.worksheet.lines import Group, Line, Pen
from app.worksheet.losses import LOSS_FORMULAS, is_in_z, powers_total, softmax_power
from app.worksheet.mathml import Markup, letter, row, words
from app.worksheet.numbers import Numbers
from app.worksheet.phases import (
    FAR,
    FUNCTIONS,
    OUTPUT_DELTAS,
    hidden_delta,
    is_saturated,
    local_derivative,
    sigmoid,
    update_forms,
    weighted_sum,
)


def given(n: Numbers, dataset: Dataset, pen: Pen) -> Iterator[Group]:
    example = [*_inputs(n, dataset, pen), *_targets(n, dataset, pen)]
    yield Group("The example", say.scaling(dataset), tuple(example))
    for layer in range(1, n.network.layer_count + 1):
        known = [pen.line(name, n.parameter(name), digits=CARRIED) for name in n.names(layer)]
        title = f"Weights and biases of layer {layer}"
        yield Group(title, say.names() if layer == 1 else (), tuple(known), compact=True)
    rate = Quantity(letter("α"), n.record.learning_rate, given=True)
    rules = (pen.line("rate", rate, digits=CARRIED, note="the learning rate"),)
    yield Group("The rules", say.rules(n.network, n.rows, n.example), rules)


def _inputs(n: Numbers, dataset: Dataset, pen: Pen) -> Iterator[Line]:
    own, scaling = dataset.raw_inputs[n.record.rows[n.example]], dataset.input_scaling
    for k, column in enumerate(dataset.input_columns):
        place = float(own[k]), float(scaling.mean[k]), float(scaling.scale[k])
        note = say.column(column, f"x{k + 1}", place[0], _is_scaled(scaling, k))
        yield _scaled(pen, f"x{k + 1}", n.came(0, k + 1), place, note)


def _targets(n: Numbers, dataset: Dataset, pen: Pen) -> Iterator[Line]:
    own, scaling = dataset.raw_targets[n.record.rows[n.example]], dataset.target_scaling
    for k, column in enumerate(dataset.target_columns):
        place = float(own[k]), float(scaling.mean[k]), float(scaling.scale[k])
        note = say.column(column, f"y{k + 1}", place[0], _is_scaled(scaling, k))
        note = f"the target, {note}" if note else "the target"
        yield _scaled(pen, f"y{k + 1}", n.target(k + 1), place, note)


def _is_scaled(scaling: Scaling, k: int) -> bool:
    return bool(scaling.mean[k] != 0 or scaling.scale[k] != 1)


def _scaled(
    pen: Pen, key: str, seen: Quantity, place: tuple[float, float, float], note: str
) -> Line:
    """Write how a value in its own unit becomes the number that the network sees."""
    own, mean, scale = place
    if mean == 0 and scale == 1:
        return pen.line(key, seen, digits=CARRIED, note=note)
    value = Quantity(words("value"), own, given=True)
    top = minus(value, _mean(mean)) if mean else value
    return pen.line(key, seen, Ratio(top, _scale(mean, scale)), digits=CARRIED, note=note)


def _mean(mean: float) -> Quantity:
    return Quantity(words("mean"), mean, given=True)


def _scale(mean: float, scale: float) -> Quantity:
    return Quantity(words("spread" if mean else "unit"), scale, given=True)


def forward(n: Numbers, pen: Pen) -> Iterator[Group]:
    for layer in range(1, n.network.layer_count + 1):
        name = n.network.activations[layer - 1]
        lines = list(_softmax(n, layer, pen) if name == "softmax" else _units(n, layer, pen))
        yield Group(say.layer(n.network, layer), say.forward(name), tuple(lines))


def _units(n: Numbers, layer: int, pen: Pen) -> Iterator[Line]:
    function = FUNCTIONS[n.network.activations[layer - 1]]
    for unit in n.units(layer):
        z = n.z(layer, unit)
        yield pen.line(f"z{layer}.{unit}", z, weighted_sum(n, layer, unit))
        note = say.SIGMOID_BELOW if function is sigmoid and z.value < FAR else ""
        yield pen.line(f"a{layer}.{unit}", n.came(layer, unit), function(z), note=note)


def _softmax(n: Numbers, layer: int, pen: Pen) -> Iterator[Line]:
    """Every z, then the sum S of their powers, then each unit's share of it."""
    for unit in n.units(layer):
        yield pen.line(f"z{layer}.{unit}", n.z(layer, unit), weighted_sum(n, layer, unit))
    total, form, note = powers_total(n, layer)
    yield pen.line("S", total, form, note=note)
    for unit in n.units(layer):
        share = Ratio(softmax_power(n, layer, unit), total)
        yield pen.line(f"a{layer}.{unit}", n.came(layer, unit), share)


def error(n: Numbers, dataset: Dataset, pen: Pen) -> Iterator[Group]:
    errors = [pen.line(f"e{j}", n.error(j), minus(n.prediction(j), n.target(j))) for j in n.outputs]
    yield Group("Prediction minus truth", say.error(), tuple(errors))
    own = [line for j in n.outputs for line in _own_units(n, dataset, j, pen)]
    if own:
        yield Group("The same in its own unit", say.own_units(dataset), tuple(own))
    loss = [_loss(n, pen)]
    if n.rows > 1:
        batch = Quantity(letter("E"), n.record.loss)
        loss.append(pen.line("batch loss", batch, over(n.rows, plus(map(n.loss, range(n.rows))))))
    yield Group("The loss", say.loss(n.network, n.rows), tuple(loss))


def _loss(n: Numbers, pen: Pen) -> Line:
    form = LOSS_FORMULAS[n.network.loss](n)
    if form is None:
        return pen.line("loss", n.loss(n.example), note=say.NO_TERMS)
    note = say.IN_Z if is_in_z(n) else ""
    return pen.line("loss", n.loss(n.example), form, note=note)


def _own_units(n: Numbers, dataset: Dataset, j: int, pen: Pen) -> Iterator[Line]:
    """Write prediction and error in the target's unit.

    Nothing where the network sees that, nor where a float cannot hold it.
    """
    scaling, column = dataset.target_scaling, dataset.target_columns[j - 1]
    mean, scale = float(scaling.mean[j - 1]), float(scaling.scale[j - 1])
    if not _is_scaled(scaling, j - 1):
        return
    prediction, target = n.prediction(j), n.target(j)
    value = float(scaling.to_own_units(n.record.a[-1][n.example])[j - 1])
    truth = float(dataset.raw_targets[n.record.rows[n.example]][j - 1])
    if not isfinite(value - truth):
        return
    own = Quantity(_own(prediction.symbol), value)
    raised = times(prediction, _scale(mean, scale))
    form = plus([raised, _mean(mean)]) if mean else raised
    yield pen.line(f"own a{j}", own, form, digits=_digits(value))
    error = Quantity(_own(n.error(j).symbol), value - truth)
    form = minus(own, Quantity(_own(target.symbol), truth, given=True))
    note = "" if pen.blank else say.missed_by(error.value, column.unit)
    yield pen.line(f"own e{j}", error, form, digits=_digits(error.value), note=note)


def _own(symbol: Markup) -> Markup:
    return row([words("own\u00a0"), symbol])


def _digits(value: float) -> int:
    """Cents for prices; more where a unit is large."""
    return 2 if abs(value) >= 10 else 6


def backward(n: Numbers, pen: Pen) -> Iterator[Group]:
    for layer in range(n.network.layer_count, 0, -1):
        lines = tuple(_delta(n, layer, unit, pen) for unit in n.units(layer))
        yield Group(
            say.layer(n.network, layer), say.backward(n.network, layer, n.example, n.rows), lines
        )


def _delta(n: Numbers, layer: int, unit: int, pen: Pen) -> Line:
    loss, is_output = n.network.loss, layer == n.network.layer_count
    form = OUTPUT_DELTAS[loss](n, unit) if is_output else hidden_delta(n, layer, unit)
    has_slope = not (is_output and LOSSES[loss].fused)
    note = say.GIVEN_SLOPE if has_slope and is_saturated(n, layer, unit) else ""
    return pen.line(f"delta{layer}.{unit}", n.delta(layer, unit), form, note=note)


def trained(n: Numbers, layer: int) -> list[str]:
    return [name for name in n.names(layer) if name[0] == "w" or n.network.train_biases]


def derivatives(n: Numbers, pen: Pen) -> Iterator[Group]:
    for layer in range(n.network.layer_count, 0, -1):
        lines = [line for name in trained(n, layer) for line in _derivative(n, name, pen)]
        sentences = say.derivatives(n.network, n.rows) if layer == n.network.layer_count else ()
        yield Group(say.layer(n.network, layer), sentences, tuple(lines))


def _derivative(n: Numbers, name: str, pen: Pen) -> Iterator[Line]:
    own = n.derivative(name, n.example)
    yield pen.line(f"derivative {name}", own, local_derivative(n, name))
    if n.rows > 1:
        all_ = [n.derivative(name, k) for k in range(n.rows)]
        yield pen.line(f"mean {name}", n.batch_derivative(name), over(n.rows, plus(all_)))


def update(n: Numbers, pen: Pen) -> Iterator[Group]:
    for layer in range(1, n.network.layer_count + 1):
        moved = set(trained(n, layer))
        lines = [
            _new(n, name, pen) if name in moved else _kept(n, name, pen) for name in n.names(layer)
        ]
        sentences = say.update(n.network) if layer == 1 else ()
        yield Group(say.layer(n.network, layer), sentences, tuple(lines))


def _new(n: Numbers, name: str, pen: Pen) -> Line:
    value = float(n.record.new_parameters[n.network.parameter_index(name)])
    new = Quantity(_new_symbol(n, name), value)
    return pen.line(f"new {name}", new, *update_forms(n, name))


def _kept(n: Numbers, name: str, pen: Pen) -> Line:
    value = float(n.record.new_parameters[n.network.parameter_index(name)])
    new = Quantity(_new_symbol(n, name), value, given=True)
    return pen.line(f"new {name}", new, n.parameter(name), digits=CARRIED, note="not trained")


def _new_symbol(n: Numbers, name: str) -> Markup:
    return row([words("new\u00a0"), n.parameter(name).symbol])
