"""The `dataset` of a spec: a named one with chosen columns, or inline numbers used as given."""

from __future__ import annotations

import math
from typing import Any

from app.data.csv_table import read_table
from app.data.datasets import SOURCES
from app.limits import MAX_NAME, Limits, over
from app.timeline.reading import a_list, a_name, a_number, a_text, a_vector, an_object, refused

AMES: dict[str, Any] = {
    "name": "ames-houses",
    "inputs": ["living_area_sqft", "basement_area_sqft", "year_built"],
    "target": "sale_price_usd",
    "test_fraction": 0.2,
}
_NAMED_KEYS = ("name", "inputs", "target", "test_fraction")
_INLINE_KEYS = (
    "inputs",
    "targets",
    "input_names",
    "target_names",
    "input_units",
    "target_units",
    "test_fraction",
)


def parse_dataset(value: Any, outputs: int, loss: str, limits: Limits) -> dict[str, Any]:
    """Return the completed dataset of a network with `outputs` output units."""
    if not isinstance(value, dict):
        raise refused("dataset", value, "an object")
    dataset = _named(value) if "name" in value else _inline(value, limits)
    targets = 1 if "name" in value else len(dataset["targets"][0])
    if targets != outputs:
        raise refused(
            "layers", f"{outputs} output units", f"{targets}, one for each target", "wrong_shape"
        )
    if loss.endswith("cross_entropy"):
        _check_shares(dataset, loss)
    return dataset


def _named(value: dict[str, Any]) -> dict[str, Any]:
    item = {**AMES, **an_object(value, "dataset", _NAMED_KEYS)}
    source = SOURCES[a_name(item["name"], "dataset.name", SOURCES)]
    names = [column.name for column in source.columns]
    target = a_name(item["target"], "dataset.target", names)
    inputs = [
        a_name(name, f"dataset.inputs[{k}]", [n for n in names if n != target])
        for k, name in enumerate(a_list(item["inputs"], "dataset.inputs", len(names)))
    ]
    for k, name in enumerate(inputs):
        if name in inputs[:k]:
            raise refused(f"dataset.inputs[{k}]", name, "each column once")
    rows = len(read_table(source.file)[target])
    fraction = _fraction(item["test_fraction"], rows)
    return {"name": item["name"], "inputs": inputs, "target": target, "test_fraction": fraction}


def _inline(value: dict[str, Any], limits: Limits) -> dict[str, Any]:
    item = an_object(value, "dataset", _INLINE_KEYS)
    inputs = _rows(item.get("inputs"), "dataset.inputs", limits)
    targets = _rows(item.get("targets"), "dataset.targets", limits)
    if len(targets) != len(inputs):
        expected = f"{len(inputs)} rows, as many as inputs"
        raise refused("dataset.targets", f"{len(targets)} rows", expected, "wrong_shape")
    from_count, to_count = len(inputs[0]), len(targets[0])
    completed: dict[str, Any] = {
        "inputs": inputs,
        "targets": targets,
        "input_names": _names(item, "input_names", "x", from_count),
        "target_names": _names(item, "target_names", "y", to_count),
        "test_fraction": _fraction(item.get("test_fraction", 0.0), len(inputs)),
    }
    for key, rows in (("input_units", inputs), ("target_units", targets)):
        if key in item:
            completed[key] = _units(item[key], f"dataset.{key}", rows)
    return completed


def _rows(value: Any, field: str, limits: Limits) -> list[list[float]]:
    rows = a_list(value, field, limits.max_rows, limit="max_rows")
    width = len(a_list(rows[0], f"{field}[0]", limits.max_units, limit="max_units"))
    if width * len(rows) > limits.max_numbers:
        found = f"{width * len(rows):,} numbers"
        raise over("max_numbers", f"at most {limits.max_numbers:,}", field, found)
    return [a_vector(row, f"{field}[{k}]", width) for k, row in enumerate(rows)]


def _names(item: dict[str, Any], key: str, letter: str, count: int) -> list[str]:
    names = item.get(key, [f"{letter}{k + 1}" for k in range(count)])
    field = f"dataset.{key}"
    names = a_list(names, field, count, count)
    return [a_text(name, f"{field}[{k}]", MAX_NAME) for k, name in enumerate(names)]


def _units(value: Any, field: str, rows: list[list[float]]) -> list[dict[str, Any]]:
    """Return the unit of every column of `rows`; in it their numbers must be finite too."""
    units = []
    for k, item in enumerate(a_list(value, field, len(rows[0]), len(rows[0]))):
        item = an_object(item, f"{field}[{k}]", ("unit", "per"))
        unit = a_text(item.get("unit", ""), f"{field}[{k}].unit", MAX_NAME)
        per = a_number(item.get("per", 1.0), f"{field}[{k}].per")
        if not math.isfinite(per * max(abs(row[k]) for row in rows)):
            wanted = "a number with which the column stays finite in its unit"
            raise refused(f"{field}[{k}].per", per, wanted, "not_finite")
        units.append({"unit": unit, "per": per})
    return units


def _fraction(value: Any, rows: int) -> float:
    wanted = "a number from 0 that leaves at least one training row"
    fraction = a_number(value, "dataset.test_fraction", wanted)
    if not 0 <= fraction < 1 or round(fraction * rows) >= rows:
        raise refused("dataset.test_fraction", value, wanted)
    return fraction


def _check_shares(dataset: dict[str, Any], loss: str) -> None:
    if "name" in dataset:
        raise refused("loss", loss, f"a squared loss, since {dataset['target']} is an amount")
    for k, row in enumerate(dataset["targets"]):
        for j, target in enumerate(row):
            if not 0 <= target <= 1:
                raise refused(f"dataset.targets[{k}][{j}]", target, f"0 to 1 for the loss {loss}")
