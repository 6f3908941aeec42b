"""The chain rule for one parameter and one example, factor by factor and path by path.

A weight w_l from unit i to unit j moves z_j, and z_j moves the loss through every unit between it
and the outputs. Each way from an output back to j is a path, the product of what lies on it:

    dE/da_out * f'(z_out) * w * f'(z) * ... * w * f'(z_j) * a_i

and the derivative is the sum over the paths. Backpropagation is the same sum with its common
factors taken out, layer by layer (Rumelhart, Hinton and Williams 1986). Cross entropies start at
delta of the output, since loss and activation are differentiated together there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.maths.activations import ACTIVATIONS
from app.maths.losses import LOSSES
from app.maths.network import Network

Array = NDArray[Any]
MOST_PATHS = 256
MOST_TERMS = 1_024


@dataclass(frozen=True)
class Example:
    """One example's numbers: inputs and targets, and by layer z, a and delta of shape (units,)."""

    parameters: Array
    inputs: Array
    targets: Array
    z: tuple[Array, ...]
    a: tuple[Array, ...]
    delta: tuple[Array, ...]


class Factor(NamedTuple):
    """One factor: `kind` says what it is, `at` where it stands, a unit (`2.1`) or a parameter.

    Kinds: `error` is dE/da of an output, `delta` dE/dz of a unit, `slope` f'(z), `weight` a weight
    on the way, `input` the a that came in, `one` what a bias is multiplied by.
    """

    kind: str
    at: str
    value: float


@dataclass(frozen=True)
class Rest:
    """How many terms are not told one by one, and what they sum to."""

    count: int = 0
    sum: float = 0.0


class Path(NamedTuple):
    """`product` of its factors; `terms` are the paths whose products sum to the first factor.

    Of more than 1,024 terms they are the largest, and `rest` is what the others come to.
    """

    factors: tuple[Factor, ...]
    product: float
    terms: tuple[Path, ...] = ()
    rest: Rest = Rest()


class _Way(NamedTuple):
    """The factors from an output back to z of `unit`, and their product."""

    factors: tuple[Factor, ...]
    product: float
    unit: int


def path_count(network: Network, layer: int) -> int:
    """Return how many paths lead from the outputs back to one unit of `layer`, counted from 1."""
    return math.prod(network.sizes[layer + 1 :])


def chain(network: Network, example: Example, name: str) -> tuple[Path, ...]:
    """Return the paths whose products sum to dE_k/d(`name`) of one example.

    Beyond 256 paths it is one: delta of the parameter's own unit and what came in, where delta's
    terms over the next layer stand below it.
    """
    layer, source, to = network.place(name)
    last = _came_in(example, layer, source, name)
    if path_count(network, layer) > MOST_PATHS:
        return (_folded(network, example, layer, to, last),)
    ways = _ways(network, example, layer, to)
    return tuple(Path((*way.factors, last), way.product * last.value) for way in ways)


def derivative(paths: tuple[Path, ...]) -> float:
    """Return the sum of the paths' products; inf or nan where one of them overflows."""
    products = [path.product for path in paths]
    plain = sum(products)
    return math.fsum(products) if math.isfinite(plain) else plain  # fsum raises where it overflows


def slope(network: Network, example: Example, layer: int, unit: int) -> float:
    """Return f'(z) of a unit; layers and units count from 1."""
    at = slice(unit - 1, unit)
    z, a, out = example.z[layer - 1][at], example.a[layer - 1][at], np.empty(1, example.z[0].dtype)
    ACTIVATIONS[network.activations[layer - 1]].derivative(z, a, out)
    return float(out[0])


def _came_in(example: Example, layer: int, source: int | None, name: str) -> Factor:
    if source is None:
        return Factor("one", name, 1.0)
    came = example.inputs if layer == 1 else example.a[layer - 2]
    return Factor("input", f"{layer - 1}.{source}", float(came[source - 1]))


def _ways(network: Network, example: Example, layer: int, to: int) -> list[_Way]:
    """Return the ways from every output back to one unit, first outputs first, layer by layer:
    they share their factors, and each product goes on from the one before.
    """
    last = network.layer_count
    ends = range(1, network.sizes[last] + 1) if layer < last else [to]
    ways = [_Way(start := _start(network, example, unit), _product(start), unit) for unit in ends]
    for below in range(last - 1, layer - 1, -1):
        units = range(1, network.sizes[below] + 1) if layer < below else [to]
        slopes = [_slope(network, example, below, unit) for unit in units]
        links = {
            above: [_weight(network, example, below + 1, unit, above) for unit in units]
            for above in {way.unit for way in ways}
        }
        ways = [
            _Way((*way.factors, weight, own), way.product * weight.value * own.value, unit)
            for way in ways
            for unit, weight, own in zip(units, links[way.unit], slopes, strict=True)
        ]
    return ways


def _start(network: Network, example: Example, unit: int) -> tuple[Factor, ...]:
    """Return how the loss changes with z of an output: in two factors, or in one where fused."""
    layer, loss = network.layer_count, LOSSES[network.loss]
    at = f"{layer}.{unit}"
    if loss.fused:
        return (Factor("delta", at, float(example.delta[-1][unit - 1])),)
    a, y = example.a[-1][None, :], example.targets[None, :]
    work = a - y
    loss.slope(a, y, work)
    error = Factor("error", at, float(work[0, unit - 1]))
    return error, _slope(network, example, layer, unit)


def _slope(network: Network, example: Example, layer: int, unit: int) -> Factor:
    return Factor("slope", f"{layer}.{unit}", slope(network, example, layer, unit))


def _weight(network: Network, example: Example, layer: int, source: int, to: int) -> Factor:
    value = network.weights(example.parameters, layer)[source - 1, to - 1]
    return Factor("weight", f"w{layer}.{source}.{to}", float(value))


def _folded(network: Network, example: Example, layer: int, to: int, last: Factor) -> Path:
    own = _slope(network, example, layer, to)
    weights = network.weights(example.parameters, layer + 1)[to - 1].astype(float)
    deltas = example.delta[layer].astype(float)
    products = own.value * weights * deltas
    largest = np.sort(np.argsort(-np.abs(products), kind="stable")[:MOST_TERMS])
    terms = []
    parts = (part.tolist() for part in (largest + 1, weights[largest], deltas[largest]))
    for unit, weight, delta in zip(*parts, strict=True):
        to_next = Factor("weight", f"w{layer + 1}.{to}.{unit}", weight)
        way = own, to_next, Factor("delta", f"{layer + 1}.{unit}", delta)
        terms.append(Path(way, _product(way)))
    left_out = float(np.delete(products, largest).sum())
    delta = Factor("delta", f"{layer}.{to}", float(example.delta[layer - 1][to - 1]))
    rest = Rest(len(products) - len(terms), left_out)
    return Path((delta, last), delta.value * last.value, tuple(terms), rest)


def _product(factors: tuple[Factor, ...]) -> float:
    return math.prod(factor.value for factor in factors)
