"""Networks and data that many tests need, and the same mathematics written the obvious way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.maths.network import Network

Array = NDArray[Any]
HIDDEN = ("identity", "sigmoid", "tanh", "relu")
PAIRS = (
    ("identity", "half_squared_error"),
    ("sigmoid", "half_squared_error"),
    ("tanh", "mean_squared_error"),
    ("relu", "half_squared_error"),
    ("identity", "mean_squared_error"),
    ("sigmoid", "binary_cross_entropy"),
    ("softmax", "categorical_cross_entropy"),
)
SHAPES = ((3, 2), (2, 4, 3), (3, 5, 2, 4), (2, 3, 4, 3, 2))

# A small session for tests of what a run does.
SMALL: dict[str, Any] = {
    "dataset": {"inputs": [[0.1, 0.2], [0.4, -0.3], [0.7, 0.5]], "targets": [[1], [0], [0.5]]},
    "layers": [{"units": 3, "activation": "tanh"}, {"units": 1, "activation": "identity"}],
    "batch_size": 2,
}


@dataclass(frozen=True)
class Case:
    """A network with parameters and one batch."""

    network: Network
    parameters: Array
    inputs: Array
    targets: Array

    @property
    def name(self) -> str:
        shape = "-".join(map(str, self.network.sizes))
        return (
            f"{shape}_{'_'.join(self.network.activations)}_{self.network.loss}_{len(self.inputs)}"
        )


def make_case(
    sizes: tuple[int, ...], hidden: str, output: str, loss: str, rows: int, seed: int = 0
) -> Case:
    network = Network(sizes, (hidden,) * (len(sizes) - 2) + (output,), loss)
    rng = np.random.default_rng((seed, rows, *sizes))
    parameters = rng.normal(0, 0.7, network.parameter_count)
    inputs = rng.normal(0, 1, (rows, sizes[0]))
    targets = rng.uniform(0.1, 0.9, (rows, sizes[-1]))
    if output == "softmax":
        targets /= targets.sum(axis=1, keepdims=True)
    return Case(network, parameters, inputs, targets)


def all_cases() -> list[Case]:
    """Every activation, loss, depth 1 to 4, batch 1 and 5; no layer is square throughout."""
    return [
        make_case(sizes, hidden, output, loss, rows)
        for sizes in SHAPES
        for hidden in (HIDDEN if len(sizes) > 2 else HIDDEN[:1])
        for output, loss in PAIRS
        for rows in (1, 5)
    ]


def plain_loss(np_: Any, case: Case, parameters: Any) -> Any:
    """The batch's loss, written out from the definitions with the module `np_` (NumPy, autograd)."""
    functions = {
        "identity": lambda z: z,
        "sigmoid": lambda z: 1 / (1 + np_.exp(-z)),
        "tanh": np_.tanh,
        "relu": lambda z: np_.where(z > 0, z, 0.0),
        "softmax": lambda z: np_.exp(z) / np_.sum(np_.exp(z), axis=1, keepdims=True),
    }
    a, at = case.inputs, 0
    sizes = case.network.sizes
    for k, name in enumerate(case.network.activations):
        source, to = sizes[k], sizes[k + 1]
        weights = parameters[at : at + source * to].reshape(source, to)
        biases = parameters[at + source * to : at + source * to + to]
        a = functions[name](np_.dot(a, weights) + biases)
        at += source * to + to
    y = case.targets
    losses = {
        "half_squared_error": lambda: 0.5 * np_.sum((a - y) ** 2, axis=1),
        "mean_squared_error": lambda: np_.mean((a - y) ** 2, axis=1),
        "binary_cross_entropy": lambda: (
            -np_.mean(y * np_.log(a) + (1 - y) * np_.log(1 - a), axis=1)
        ),
        "categorical_cross_entropy": lambda: -np_.sum(y * np_.log(a), axis=1),
    }
    return np_.mean(losses[case.network.loss]())
