"""A spec: everything that defines a run. What is left out is filled in, what is wrong refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.limits import DEFAULT_LIMITS, Limits, over
from app.maths.activations import ACTIVATIONS
from app.maths.initializers import INITIALIZERS
from app.maths.losses import LOSSES
from app.maths.network import Network
from app.maths.optimizers import OPTIMIZERS
from app.timeline.dataset_spec import AMES, parse_dataset
from app.timeline.reading import (
    a_bool,
    a_learning_rate,
    a_list,
    a_matrix,
    a_name,
    a_vector,
    a_whole,
    an_object,
    refused,
)

Array = NDArray[Any]
PRECISIONS = ("float64", "float32")
DEFAULTS: dict[str, Any] = {
    "dataset": AMES,
    "layers": [{"units": 3, "activation": "tanh"}, {"units": 1, "activation": "identity"}],
    "loss": "half_squared_error",
    "optimizer": {"name": "sgd"},
    "learning_rate": 0.05,
    "batch_size": 1,
    "shuffle": True,
    "initial": {"scheme": "xavier_uniform"},
    "train_biases": True,
    "seed": 7,
    "precision": "float64",
}


@dataclass(frozen=True)
class Spec:
    """A valid, completed spec; `dataset`, `layers`, `optimizer` and `initial` as in its JSON."""

    dataset: dict[str, Any]
    layers: list[dict[str, Any]]
    loss: str
    optimizer: dict[str, Any]
    learning_rate: float
    batch_size: int
    shuffle: bool
    initial: dict[str, Any]
    train_biases: bool
    seed: int
    precision: str

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "dataset": _listed(self.dataset), "initial": _listed(self.initial)}

    def packed(self, inputs: Array, targets: Array) -> Spec:
        """Return this spec with its numbers in arrays, which take a quarter of lists' memory.

        `inputs` and `targets` are those of the data set, so that they are there once.
        """
        dataset, initial = self.dataset, self.initial
        if "targets" in dataset:
            dataset = {**dataset, "inputs": inputs, "targets": targets}
        if "weights" in initial:
            initial = {key: list(map(np.array, initial[key])) for key in initial}
        return replace(self, dataset=dataset, initial=initial)

    def network(self) -> Network:
        sizes = (_input_count(self.dataset), *(layer["units"] for layer in self.layers))
        names = tuple(layer["activation"] for layer in self.layers)
        return Network(sizes, names, self.loss, self.train_biases)


def parse_spec(given: Any, limits: Limits = DEFAULT_LIMITS) -> Spec:
    """Return the completed spec, or raise Refused with the path of the first wrong item."""
    given = {**DEFAULTS, **an_object(given, "", DEFAULTS)}
    layers = _layers(given["layers"], limits)
    loss = a_name(given["loss"], "loss", LOSSES)
    _check_pairing(layers, loss)
    outputs = layers[-1]["units"]
    dataset = parse_dataset(given["dataset"], outputs, loss, limits)
    sizes = [_input_count(dataset), *(layer["units"] for layer in layers)]
    _check_size(sizes, limits)
    return Spec(
        dataset=dataset,
        layers=layers,
        loss=loss,
        optimizer=parse_optimizer(given["optimizer"], "optimizer"),
        learning_rate=a_learning_rate(given["learning_rate"], "learning_rate"),
        batch_size=a_whole(given["batch_size"], "batch_size", 1, limits.max_rows, "max_rows"),
        shuffle=a_bool(given["shuffle"], "shuffle"),
        initial=_initial(given["initial"], sizes),
        train_biases=a_bool(given["train_biases"], "train_biases"),
        seed=a_whole(given["seed"], "seed", 0, 2**53 - 1),
        precision=a_name(given["precision"], "precision", PRECISIONS),
    )


def parse_optimizer(value: Any, field: str) -> dict[str, Any]:
    item = an_object(value, field, ["name"])
    return {"name": a_name(item.get("name"), f"{field}.name", OPTIMIZERS)}


def _listed(value: Any) -> Any:
    """Return `value` as JSON has it, where it may hold arrays."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    arrays = isinstance(value, list) and value and isinstance(value[0], np.ndarray)
    return [item.tolist() for item in value] if arrays else value


def _input_count(dataset: dict[str, Any]) -> int:
    inputs = dataset["inputs"]
    return len(inputs) if "name" in dataset else len(inputs[0])


def _layers(value: Any, limits: Limits) -> list[dict[str, Any]]:
    layers = []
    items = a_list(value, "layers", limits.max_layers, limit="max_layers")
    for k, item in enumerate(items):
        field = f"layers[{k}]"
        item = an_object(item, field, ["units", "activation"])
        name = a_name(item.get("activation", "tanh"), f"{field}.activation", ACTIVATIONS)
        if ACTIVATIONS[name].only_output and k < len(items) - 1:
            hidden = [a.name for a in ACTIVATIONS.values() if not a.only_output]
            raise refused(
                f"{field}.activation", name, f"in a hidden layer one of {', '.join(hidden)}"
            )
        units = a_whole(item.get("units"), f"{field}.units", 1, limits.max_units, "max_units")
        layers.append({"units": units, "activation": name})
    return layers


def _check_pairing(layers: list[dict[str, Any]], loss: str) -> None:
    activation, wanted = layers[-1]["activation"], LOSSES[loss].activation
    field = f"layers[{len(layers) - 1}].activation"
    if wanted and activation != wanted:
        raise refused(field, activation, f"{wanted}, which the loss {loss} goes with")
    if ACTIVATIONS[activation].only_output and not wanted:
        raise refused("loss", loss, f"categorical_cross_entropy, which {activation} goes with")


def _check_size(sizes: list[int], limits: Limits) -> None:
    count = sum((source + 1) * to for source, to in pairwise(sizes))
    if count > limits.max_parameters:
        allowed = f"a network of at most {limits.max_parameters:,} parameters"
        raise over("max_parameters", allowed, "layers", f"{count:,} parameters")


def _initial(value: Any, sizes: list[int]) -> dict[str, Any]:
    item = an_object(value, "initial", ["scheme", "weights", "biases"])
    if "weights" not in item and "biases" not in item:
        return {"scheme": a_name(item.get("scheme"), "initial.scheme", INITIALIZERS)}
    if "scheme" in item:
        raise refused("initial.scheme", item["scheme"], "either a scheme or weights, not both")
    pairs = list(pairwise(sizes))
    weights = a_list(item.get("weights"), "initial.weights", len(pairs), len(pairs))
    found = item.get("biases", [[0.0] * to for _, to in pairs])
    biases = a_list(found, "initial.biases", len(pairs), len(pairs))
    return {
        "weights": [
            a_matrix(weights[k], f"initial.weights[{k}]", source, to)
            for k, (source, to) in enumerate(pairs)
        ],
        "biases": [
            a_vector(biases[k], f"initial.biases[{k}]", to) for k, (_, to) in enumerate(pairs)
        ],
    }
