"""Where a parameter's derivative comes from, as JSON: its paths, and its proof."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.activations import ACTIVATIONS
from app.maths.chain import Example, Factor, Path, chain, derivative, path_count
from app.maths.checks import LossAround, relative_gap
from app.maths.losses import LOSSES
from app.maths.network import Network
from app.refusal import Refused
from app.timeline.run import StepRecord
from app.wire.symbols import factor_symbol

Array = NDArray[Any]
Items = dict[str, Any]
MOST_EXAMPLES = 256
_TOLERANCE = {"float64": 1e-6, "float32": 1e-2}
_NOISE = {"float64": 1e-9, "float32": 1e-5}


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


def batch_derivative(record: StepRecord, network: Network, name: str) -> float:
    """Return dE/dp of the batch, of a bias that is not trained too: its gradient is kept at 0."""
    if name[0] == "w" or network.train_biases:
        return float(record.gradient[network.parameter_index(name)])
    return float(example_derivatives(record, name).mean())


def example_derivatives(record: StepRecord, name: str) -> Array:
    """Return dE_k/dp of every example of the batch, of shape (rows,)."""
    layer, *units = (int(number) for number in name[1:].split("."))
    delta = record.delta[layer - 1][:, units[-1] - 1]
    if len(units) == 1:
        return np.array(delta)
    came = record.inputs if layer == 1 else record.a[layer - 2]
    return np.array(came[:, units[0] - 1] * delta)


def chain_json(record: StepRecord, network: Network, name: str, example: int) -> Items:
    """Return the derivative of one example, path by path, with its proof and the update."""
    index = network.parameter_index(name)
    with np.errstate(all="ignore"):
        paths = chain(network, example_of(record, example), name)
        found, mean = derivative(paths), batch_derivative(record, network, name)
        proof = _proof(loss_around(record, network, example), index, found)
        whole = _proof(loss_around(record, network), index, mean)
    return {
        "parameter": name,
        "example": example,
        "value": float(record.parameters[index]),
        "derivative": finite(found),
        "batch_derivative": mean,
        "paths": [_path(path, network) for path in paths],
        "path_count": path_count(network, int(name[1:].split(".")[0])),
        "examples": example_derivatives(record, name)[:MOST_EXAMPLES].tolist(),
        **proof,
        "batch_numeric": whole["numeric"],
        "batch_relative_gap": whole["relative_gap"],
        "gradient": _in_gradient(record, index),
        "update": update_of(record, network, index, name),
    }


def check_json(
    record: StepRecord, network: Network, precision: str, first: int, count: int
) -> Items:
    """Check the derivatives of `count` parameters from `first` on by real forward passes."""
    around, last = loss_around(record, network), min(first + count, network.parameter_count)
    if not 0 <= first < network.parameter_count:
        expected = f"a place among the {network.parameter_count} parameters"
        raise Refused("out_of_range", "first", first, expected)
    worst: Items = {"parameter": None, "relative_gap": 0.0}
    agree, kinks, different = 0, [], []
    with np.errstate(all="ignore"):
        noise = _NOISE[precision] * max(1.0, abs(around.loss()))
        for index in range(first, last):
            name = network.parameter_name(index)
            if around.crosses_kink(index):
                kinks.append(name)
                continue
            found, numeric = (
                batch_derivative(record, network, name),
                around.central_difference(index),
            )
            gap = relative_gap(found, numeric)
            small = abs(found - numeric) < noise
            if gap < _TOLERANCE[precision] or small:
                agree += 1
            else:
                different.append(name)
            if not small and gap > worst["relative_gap"]:
                worst = {"parameter": name, "relative_gap": gap}
    return {
        "parameters": network.parameter_count,
        "first": first,
        "next": last if last < network.parameter_count else None,
        "checked": last - first,
        "agree": agree,
        "different": different,
        "kinks": kinks,
        "worst": worst,
        "tolerance": _TOLERANCE[precision],
        "noise": noise,
    }


def _path(path: Path, network: Network) -> Items:
    said: Items = {
        "factors": [_factor(factor, network) for factor in path.factors],
        "product": finite(path.product),
    }
    if path.terms:
        said["terms"] = [_path(term, network) for term in path.terms]
    return said


def _factor(factor: Factor, network: Network) -> Items:
    symbol = factor_symbol(network, factor)
    formulas = {"error": LOSSES[network.loss].formula, "weight": "w", "input": "a", "one": "1"}
    if factor.kind == "slope":
        layer = int(factor.at.split(".")[0])
        formula = ACTIVATIONS[network.activations[layer - 1]].slope
    elif factor.kind == "delta":
        is_output = factor.at.split(".")[0] == str(network.layer_count)
        formula = LOSSES[network.loss].formula if is_output else "f′(z) Σ w δ"
    else:
        formula = formulas[factor.kind]
    said = {"kind": factor.kind, "symbol": symbol, "formula": formula}
    return {**said, "value": factor.value, "at": factor.at}


def _proof(around: LossAround, index: int, found: float) -> Items:
    if around.crosses_kink(index):
        return {"numeric": None, "relative_gap": None, "kink": True}
    numeric = around.central_difference(index)
    if not math.isfinite(numeric) or not math.isfinite(found):
        return {"numeric": None, "relative_gap": None, "kink": False}
    return {"numeric": numeric, "relative_gap": relative_gap(found, numeric), "kink": False}


def _in_gradient(record: StepRecord, index: int) -> Items:
    """Return how this partial derivative stands in the whole vector."""
    gradient = record.gradient.astype(float)
    length, own = float(np.linalg.norm(gradient)), float(gradient[index])
    return {
        "length": length,
        "share": (own / length) ** 2 if length else 0.0,
        "rank": int((np.abs(gradient) > abs(own)).sum()) + 1,
        "largest": int(np.abs(gradient).argmax()),
    }


def update_of(record: StepRecord, network: Network, index: int, name: str) -> Items:
    before, after = float(record.parameters[index]), float(record.new_parameters[index])
    trained = name[0] == "w" or network.train_biases
    return {
        "learning_rate": record.learning_rate,
        "delta": after - before,
        "new_value": after,
        "trained": trained,
    }


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
