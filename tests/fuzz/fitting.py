"""Joins what a schema cannot: a spec made from it is given shapes that fit, and names that pair."""

from __future__ import annotations

from itertools import cycle, islice, pairwise
from typing import Any

from app.maths.activations import ACTIVATIONS
from app.maths.losses import LOSSES
from app.timeline.dataset_spec import AMES
from app.timeline.spec import DEFAULTS

MOST_UNITS, MOST_ROWS, MOST_NUMBER = 6, 5, 3.0
Spec = dict[str, Any]


def fitted(spec: Spec) -> Spec:
    """Return `spec` with as much of it kept as can be; it is one that must be accepted."""
    found = {**spec, "layers": [dict(layer) for layer in spec.get("layers", DEFAULTS["layers"])]}
    loss = found.get("loss", DEFAULTS["loss"])
    dataset = dict(found.get("dataset", AMES))
    if "name" in dataset and loss.endswith("cross_entropy"):
        loss = found["loss"] = DEFAULTS["loss"]
    for layer in found["layers"]:
        layer["units"] = int(layer["units"] - 1) % MOST_UNITS + 1
        if ACTIVATIONS[layer.get("activation", "tanh")].only_output:
            layer["activation"] = "relu"
    found["layers"][-1] |= {"activation": LOSSES[loss].activation or "identity"}
    for key in ("seed", "batch_size"):  # 4.0 is whole to a schema, and not to us
        if key in found:
            found[key] = int(found[key])
    found["learning_rate"] = _tame(found.get("learning_rate", 0.05)) / 100 or 0.01
    if "name" in dataset:
        found["layers"][-1]["units"] = 1
        found["dataset"], width = _named(dataset)
    else:
        outputs = found["layers"][-1]["units"]
        found["dataset"], width = _inline(dataset, outputs, loss.endswith("cross_entropy"))
    sizes = [width, *(layer["units"] for layer in found["layers"])]
    if "weights" in found.get("initial", ()):
        found["initial"] = _initial(found["initial"], sizes)
    return found


def _named(dataset: Spec) -> tuple[Spec, int]:
    target = dataset.get("target", AMES["target"])
    inputs = [name for name in dataset.get("inputs", AMES["inputs"]) if name != target]
    inputs = inputs or [next(name for name in AMES["inputs"] if name != target)]
    return {**dataset, "inputs": inputs, "test_fraction": 0.5}, len(inputs)


def _inline(dataset: Spec, outputs: int, shares: bool) -> tuple[Spec, int]:
    width = min(len(dataset["inputs"][0]), MOST_UNITS)
    count = min(len(dataset["inputs"]), MOST_ROWS)
    kept = {key: part for key, part in dataset.items() if key in ("input_names", "input_units")}
    kept = {key: _cut(part, width) for key, part in kept.items()}
    for key in ("target_names", "target_units"):
        if key in dataset:
            kept[key] = _cut(dataset[key], outputs)
    for key in ("input_units", "target_units"):
        if key in kept:
            kept[key] = [{**unit, "per": _tame(unit.get("per", 1))} for unit in kept[key]]
    inputs = [[_tame(x) for x in _cut(row, width)] for row in _cut(dataset["inputs"], count)]
    targets = [[_tame(y) for y in _cut(row, outputs)] for row in _cut(dataset["targets"], count)]
    if shares:
        targets = [[abs(y) / MOST_NUMBER for y in row] for row in targets]
    return {**kept, "inputs": inputs, "targets": targets}, width


def _initial(initial: Spec, sizes: list[int]) -> Spec:
    numbers = [_tame(x) for matrix in initial["weights"] for row in matrix for x in row]
    drawn = cycle(numbers)
    weights = [[list(islice(drawn, to)) for _ in range(source)] for source, to in pairwise(sizes)]
    return {"weights": weights, "biases": [list(islice(drawn, to)) for to in sizes[1:]]}


def _cut(items: list[Any], count: int) -> list[Any]:
    """Return `count` of them, from the first again where there are fewer."""
    return list(islice(cycle(items), count))


def _tame(number: float) -> float:
    """Return a number of a size with which a network stays finite."""
    return float(number) if abs(number) <= MOST_NUMBER else float(number % MOST_NUMBER)
