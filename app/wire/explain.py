"""Where a parameter's derivative comes from, as JSON: its paths, and its proof."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.around import LossAround
from app.maths.chain import Example, Factor, Path, chain, derivative, path_count
from app.maths.checks import PROOFS, relative_gap, tolerance_of
from app.maths.network import Network
from app.refusal import Refused
from app.timeline.run import StepRecord
from app.wire.finite import finite, finite_list
from app.wire.symbols import factor_formula, factor_symbol

Array = NDArray[Any]
Items = dict[str, Any]
MOST_EXAMPLES = 256


def position_in(record: StepRecord, example: int) -> int:
    """Return `example` if it is a position in the batch's rows, from 0."""
    count = len(record.rows)
    if not 0 <= example < count:
        raise Refused("out_of_range", "example", example, f"a position in rows, 0 to {count - 1}")
    return example


def example_of(record: StepRecord, example: int) -> Example:
    """Return the numbers of one example of the batch, a position in its rows."""
    position_in(record, example)
    z, a, delta = (tuple(p[example] for p in part) for part in (record.z, record.a, record.delta))
    return Example(record.parameters, record.inputs[example], record.targets[example], z, a, delta)


def loss_around(record: StepRecord, network: Network, example: int | None = None) -> LossAround:
    """Return the loss around the step's parameters: of the batch, or of one of its examples."""
    rows = slice(None) if example is None else slice(example, example + 1)
    return LossAround(network, record.parameters, record.inputs[rows], record.targets[rows])


def batch_derivatives(record: StepRecord, network: Network) -> Array:
    """Return dE/dp of the batch for every parameter, flat, in float64 and all finite.

    Of a bias that is not trained too, which the record's gradient keeps at 0.
    """
    found = record.gradient.astype(np.float64)
    if not network.train_biases:
        for layer, delta in enumerate(record.delta, 1):
            shares = delta.astype(np.float64) / len(delta)  # a sum of them cannot overflow
            network.biases(found, layer)[:] = shares.sum(axis=0)
    return found


def batch_derivative(record: StepRecord, network: Network, name: str) -> float:
    """Return dE/dp of the batch."""
    return float(batch_derivatives(record, network)[network.parameter_index(name)])


def example_derivatives(record: StepRecord, network: Network, name: str) -> Array:
    """Return dE_k/dp of every example of the batch, of shape (rows,), in float64.

    Of a batch of one it is the run's own number, rounded as the run's precision has it.
    """
    if len(record.rows) == 1:
        return np.array([batch_derivative(record, network, name)])
    layer, source, to = network.place(name)
    delta: Array = record.delta[layer - 1][:, to - 1].astype(np.float64)
    if source is None:
        return delta
    came = record.inputs if layer == 1 else record.a[layer - 2]
    return np.array(came[:, source - 1] * delta)


@np.errstate(all="ignore")
def chain_text(
    record: StepRecord, network: Network, precision: str, name: str, example: int
) -> str:
    """Return the derivative of one example, path by path, with its proof and the update, as JSON.

    Null stands for what overflows although the step's own numbers are finite. Paths share most of
    their factors: each of those is written once, since a network of 71 parameters has a megabyte.
    """
    paths = chain(network, example_of(record, example), name)
    say = cache(partial(_factor, network))
    told = ",".join(_path(path, say) for path in sorted(paths, key=_largest_first))
    found = derivative(paths) if len(record.rows) > 1 else batch_derivative(record, network, name)
    rest = _written(_explained(record, network, precision, name, example, found))
    return f'{rest[:-1]},"paths":[{told}]}}'


def _explained(
    record: StepRecord, network: Network, precision: str, name: str, example: int, found: float
) -> Items:
    """Return all of it but the paths, whose sum is `found`; of a batch of one as the run has it."""
    index, mean = network.parameter_index(name), batch_derivative(record, network, name)
    own = _proof(loss_around(record, network, example), precision, index, found)
    whole = _proof(loss_around(record, network), precision, index, mean)
    return {
        "parameter": name,
        "example": example,
        "value": float(record.parameters[index]),
        "derivative": finite(found),
        "batch_derivative": mean,
        "path_count": path_count(network, network.place(name).layer),
        "rows": record.rows[:MOST_EXAMPLES].tolist(),
        "examples": finite_list(example_derivatives(record, network, name)[:MOST_EXAMPLES]),
        **own,
        **{f"batch_{key}": whole[key] for key in ("numeric", "relative_gap", "kink", "difference")},
        "gradient": _in_gradient(record, network, index),
        "update": update_of(record, network, index, name),
        "exact": record.exact,
    }


def _largest_first(path: Path) -> float:
    """Sort by the size of the product; what is no number stands beside infinity."""
    size = abs(path.product)
    return -math.inf if math.isnan(size) else -size


def _path(path: Path, say: Callable[[Factor], str]) -> str:
    said = f'"factors":[{",".join(map(say, path.factors))}],"product":{_number(path.product)}'
    if not path.terms:
        return f"{{{said}}}"
    terms = ",".join(_path(term, say) for term in path.terms)
    rest = f'{{"count":{path.rest.count},"sum":{_number(path.rest.sum)}}}'
    return f'{{{said},"terms":[{terms}],"rest":{rest}}}'


def _factor(network: Network, factor: Factor) -> str:
    """Write a factor; none of its texts holds a character that JSON would escape."""
    symbol, formula = factor_symbol(network, factor), factor_formula(network, factor)
    names = f'"kind":"{factor.kind}","symbol":"{symbol}","formula":"{formula}","at":"{factor.at}"'
    return f'{{{names},"value":{_number(factor.value)}}}'


def _number(value: float) -> str:
    return float.__repr__(value) if math.isfinite(value) else "null"


def _written(items: Items) -> str:
    return json.dumps(items, allow_nan=False, separators=(",", ":"))


def _proof(around: LossAround, precision: str, index: int, found: float) -> Items:
    """Return the two forward passes beside `found`, and what they say about it if they can."""
    difference = around.difference(index)
    verdict = tolerance_of(precision, around.loss()).judge(found, difference)
    numeric = difference.quotient if verdict.said in PROOFS else None
    sides = ("h", "above", "below", "loss_above", "loss_below")
    said = {side: finite(getattr(difference, side)) for side in sides}
    return {
        "numeric": numeric,
        "relative_gap": None if numeric is None else relative_gap(found, numeric),
        "kink": verdict.said == "kinks",
        "difference": {
            **said,
            "agrees": PROOFS.get(verdict.said),
            "rounding": verdict.is_rounding,
        },
    }


def _in_gradient(record: StepRecord, network: Network, index: int) -> Items:
    """Return how this partial derivative stands in the whole vector, which the update follows."""
    gradient = record.gradient.astype(np.float64)
    sizes = np.abs(gradient)
    largest = int(sizes.argmax())
    # Measured in the largest, so that no square overflows or vanishes.
    unit = float(sizes[largest]) or 1.0
    squares = (gradient / unit) ** 2
    length = math.sqrt(squares.sum())
    return {
        "length": finite(unit * length),
        "share": float(squares[index]) / length**2 if length else 0.0,
        "rank": int((sizes > sizes[index]).sum()) + 1 if length else None,
        **_largest(record, network, largest, float(gradient[largest])),
    }


def _largest(record: StepRecord, network: Network, index: int, value: float) -> Items:
    """Return which component is the largest, and the example that it comes from; or, where all are
    0, that none is.
    """
    name = network.parameter_name(index)
    if not value:
        return {"largest": None, "largest_value": None, "largest_example": None}
    example = _main_example(record, network, name, value)
    return {"largest": name, "largest_value": value, "largest_example": example}


def _main_example(record: StepRecord, network: Network, name: str, mean: float) -> int:
    """Return the example that contributes most to the mean: of its sign, and the largest."""
    shares = math.copysign(1.0, mean) * example_derivatives(record, network, name)
    return int(np.where(np.isnan(shares), -np.inf, shares).argmax())


def update_of(record: StepRecord, network: Network, index: int, name: str) -> Items:
    before, after = float(record.parameters[index]), float(record.new_parameters[index])
    return {
        "learning_rate": record.learning_rate,
        "delta": after - before,  # finite, since it is what was added to get from one to the other
        "new_value": after,
        "trained": name[0] == "w" or network.train_biases,
    }
