"""What a spec may be. The schema says all but what joins two items: shapes, and names that pair."""

from __future__ import annotations

from typing import Any

from app.data.datasets import SOURCES
from app.limits import MAX_NAME, Limits
from app.maths.activations import ACTIVATIONS
from app.maths.initializers import INITIALIZERS
from app.maths.losses import LOSSES
from app.maths.optimizers import OPTIMIZERS
from app.timeline.spec import DEFAULTS, PRECISIONS
from app.wire.schemas.words import (
    NUMBER,
    TRUTH,
    Schema,
    an_object,
    list_of,
    named,
    one_of,
    said,
    some_object,
    text,
    whole,
)

LEARNING_RATE: Schema = {"type": "number", "exclusiveMinimum": 0}
FRACTION: Schema = said(
    "the part of the rows that is held out; it leaves at least one training row",
    {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
)


def spec_schemas(limits: Limits) -> dict[str, Schema]:
    """Return the schemas of a spec by name; `limits` are those of this server."""
    return {
        "Spec": said("what defines a run; a key that is left out has its default", _spec(limits)),
        "Dataset": said("a named data set, or numbers of one's own", {"oneOf": _datasets()}),
        "NamedDataset": _named_dataset(),
        "InlineDataset": _inline_dataset(limits),
        "Layer": _layer(limits),
        "Optimizer": an_object(name=one_of(OPTIMIZERS)),
        "Initial": {"oneOf": [named("InitialScheme"), named("InitialNumbers")]},
        "InitialScheme": an_object(scheme=said("biases start at 0", one_of(INITIALIZERS))),
        "InitialNumbers": _initial_numbers(limits),
    }


def _spec(limits: Limits) -> Schema:
    keys: dict[str, Schema] = {
        "dataset": named("Dataset"),
        "layers": list_of(named("Layer"), limits.max_layers, 1),
        "loss": said("a mean over the batch", one_of(LOSSES)),
        "optimizer": named("Optimizer"),
        "learning_rate": LEARNING_RATE,
        "batch_size": said("above the rows it means all rows", whole(1, limits.max_rows)),
        "shuffle": TRUTH,
        "initial": named("Initial"),
        "train_biases": TRUTH,
        "seed": whole(0, 2**53 - 1),
        "precision": one_of(PRECISIONS),
    }
    return some_object((), {key: _with_default(key, schema) for key, schema in keys.items()})


def _with_default(key: str, schema: Schema) -> Schema:
    default: Any = DEFAULTS[key]
    return {**schema, "default": default}


def _datasets() -> list[Schema]:
    return [named("NamedDataset"), named("InlineDataset")]


def _named_dataset() -> Schema:
    columns = list(dict.fromkeys(c.name for source in SOURCES.values() for c in source.columns))
    inputs = {**list_of(one_of(columns), len(columns), 1), "uniqueItems": True}
    keys = {
        "name": one_of(SOURCES),
        "inputs": said("any columns but the target", inputs),
        "target": one_of(columns),
        "test_fraction": FRACTION,
    }
    return some_object(("name",), keys)


def _inline_dataset(limits: Limits) -> Schema:
    row = list_of(NUMBER, limits.max_units, 1)
    rows = list_of(row, limits.max_rows, 1)
    names = list_of(text(MAX_NAME), limits.max_units, 1)
    units = list_of(_unit(), limits.max_units, 1)
    keys = {
        "inputs": said("rows of equal length, used as they are", rows),
        "targets": said("as many rows; as many numbers in each as there are output units", rows),
        "input_names": names,
        "target_names": names,
        "input_units": said("how the numbers are shown, one for each input", units),
        "target_units": units,
        "test_fraction": FRACTION,
    }
    return some_object(("inputs", "targets"), keys)


def _unit() -> Schema:
    per = said("1 in the network is this many of the unit", NUMBER)
    return some_object((), {"unit": text(MAX_NAME), "per": per})


def _layer(limits: Limits) -> Schema:
    activation = said("softmax only as the output of categorical_cross_entropy", _activations())
    return some_object(("units",), {"units": whole(1, limits.max_units), "activation": activation})


def _activations() -> Schema:
    return {**one_of(ACTIVATIONS), "default": "tanh"}


def _initial_numbers(limits: Limits) -> Schema:
    column = list_of(NUMBER, limits.max_units, 1)
    matrix = said("[from][to]", list_of(column, limits.max_units, 1))
    keys = {
        "weights": said("for each layer one matrix", list_of(matrix, limits.max_layers, 1)),
        "biases": said("for each layer one vector", list_of(column, limits.max_layers, 1)),
    }
    return some_object(("weights",), keys)
