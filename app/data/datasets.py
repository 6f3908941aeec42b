"""Data sets as a table of names, and inline data: what the network sees and what it means.

Named data is standardised on its training rows only, so nothing of the held-out rows leaks in.
Inline data is used exactly as given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.data.csv_table import read_table
from app.data.scaling import Scaling, per_unit, standardising

Array = NDArray[Any]
_SPLIT_STREAM = 1  # keeps the split's random numbers apart from weights and batch order


@dataclass(frozen=True)
class Column:
    """One input or target: its name in JSON, its label for people, and its unit."""

    name: str
    label: str
    unit: str


@dataclass(frozen=True)
class Source:
    """A named data set: its file, what a row is called, its columns."""

    file: str
    title: str
    row_noun: str
    columns: tuple[Column, ...]


SOURCES: dict[str, Source] = {
    "ames-houses": Source(
        "ames_houses.csv",
        "houses of Ames",
        "house",
        (
            Column("living_area_sqft", "living area", "sq ft"),
            Column("basement_area_sqft", "basement area", "sq ft"),
            Column("year_built", "year built", ""),
            Column("bedrooms", "bedrooms", ""),
            Column("full_baths", "full baths", ""),
            Column("garage_area_sqft", "garage area", "sq ft"),
            Column("lot_area_sqft", "lot area", "sq ft"),
            Column("sale_price_usd", "sale price", "$"),
        ),
    ),
}


@dataclass(frozen=True)
class Dataset:
    """All rows, as the network sees them: `inputs` (rows, inputs), `targets` (rows, targets).

    `raw_inputs` and `raw_targets` are the same rows in the columns' own units. `training_rows` and
    `held_out_rows` are row numbers from 0. All arrays are read-only.
    """

    name: str | None
    row_noun: str
    inputs: Array
    targets: Array
    raw_inputs: Array
    raw_targets: Array
    input_columns: tuple[Column, ...]
    target_columns: tuple[Column, ...]
    input_scaling: Scaling
    target_scaling: Scaling
    training_rows: NDArray[np.int64]
    held_out_rows: NDArray[np.int64]

    def __post_init__(self) -> None:
        for array in self._arrays():
            array.setflags(write=False)

    @cached_property
    def nbytes(self) -> int:
        """Return the memory that the rows take."""
        once = {id(array): array.nbytes for array in self._arrays()}
        return sum(once.values())

    def _arrays(self) -> list[Array]:
        return [value for value in vars(self).values() if isinstance(value, np.ndarray)]


def load_dataset(dataset: Mapping[str, Any], seed: int) -> Dataset:
    """Return the data that a valid spec's `dataset` names or carries; the seed makes the split."""
    return _named(dataset, seed) if "name" in dataset else _inline(dataset, seed)


def split(rows: int, fraction: float, seed: int) -> tuple[Array, Array]:
    """Return (training rows, held-out rows), each sorted; round(fraction * rows) are held out."""
    held_out_count = round(fraction * rows)
    order = np.random.default_rng((seed, _SPLIT_STREAM)).permutation(rows)
    return np.sort(order[held_out_count:]), np.sort(order[:held_out_count])


def _named(dataset: Mapping[str, Any], seed: int) -> Dataset:
    source = SOURCES[dataset["name"]]
    table = read_table(source.file)
    by_name = {column.name: column for column in source.columns}
    input_names, target_names = dataset["inputs"], [dataset["target"]]
    raw_inputs = np.stack([table[name] for name in input_names], axis=1)
    raw_targets = np.stack([table[name] for name in target_names], axis=1)
    training, held_out = split(len(raw_inputs), dataset["test_fraction"], seed)
    input_scaling = standardising(raw_inputs[training])
    target_scaling = standardising(raw_targets[training])
    return Dataset(
        name=dataset["name"],
        row_noun=source.row_noun,
        inputs=input_scaling.to_network(raw_inputs),
        targets=target_scaling.to_network(raw_targets),
        raw_inputs=raw_inputs,
        raw_targets=raw_targets,
        input_columns=tuple(by_name[name] for name in input_names),
        target_columns=tuple(by_name[name] for name in target_names),
        input_scaling=input_scaling,
        target_scaling=target_scaling,
        training_rows=training,
        held_out_rows=held_out,
    )


def _inline(dataset: Mapping[str, Any], seed: int) -> Dataset:
    inputs, targets = _table(dataset["inputs"]), _table(dataset["targets"])
    training, held_out = split(len(inputs), dataset["test_fraction"], seed)
    input_units = _units(dataset.get("input_units"), inputs.shape[1])
    target_units = _units(dataset.get("target_units"), targets.shape[1])
    input_scaling = per_unit([unit["per"] for unit in input_units])
    target_scaling = per_unit([unit["per"] for unit in target_units])
    return Dataset(
        name=None,
        row_noun="example",
        inputs=inputs,
        targets=targets,
        raw_inputs=_once(input_scaling.to_own_units(inputs), inputs),
        raw_targets=_once(target_scaling.to_own_units(targets), targets),
        input_columns=_columns(dataset["input_names"], input_units),
        target_columns=_columns(dataset["target_names"], target_units),
        input_scaling=input_scaling,
        target_scaling=target_scaling,
        training_rows=training,
        held_out_rows=held_out,
    )


def _table(rows: Sequence[Sequence[float]] | Array) -> Array:
    """Return rows as one array; one by one, since NumPy lets nobody else run meanwhile."""
    return rows if isinstance(rows, np.ndarray) else np.array([np.array(r, float) for r in rows])


def _once(own: Array, numbers: Array) -> Array:
    """Return `numbers` where `own` are the very same bits: they need not be kept twice."""
    return numbers if np.array_equal(own.view(np.int64), numbers.view(np.int64)) else own


def _units(given: Sequence[Mapping[str, Any]] | None, count: int) -> Sequence[Mapping[str, Any]]:
    return given or [{"unit": "", "per": 1.0}] * count


def _columns(names: Sequence[str], units: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    return tuple(
        Column(name, name.replace("_", " "), unit["unit"])
        for name, unit in zip(names, units, strict=True)
    )
