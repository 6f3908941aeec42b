"""The house data and inline data, against the CSV file read by other means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.data.datasets import load_dataset, split
from app.data.scaling import standardising
from app.timeline.spec import parse_spec

CSV = Path(__file__).parents[3] / "app" / "data" / "ames_houses.csv"
AMES = parse_spec({}).dataset


def _columns(*names: str) -> np.ndarray:
    table = np.genfromtxt(CSV, delimiter=",", names=True)
    return np.stack([table[name] for name in names], axis=1)


def test_ames_is_standardised_on_its_training_rows_only() -> None:
    data = load_dataset(AMES, seed=7)
    raw = _columns(*AMES["inputs"], AMES["target"])
    seen = np.concatenate([data.inputs, data.targets], axis=1)
    rows = data.training_rows
    np.testing.assert_allclose(seen[rows].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(seen[rows].std(axis=0), 1, rtol=1e-12)
    mean = [sum(column[rows]) / len(rows) for column in raw.T]
    spread = [
        (sum((column[rows] - m) ** 2) / len(rows)) ** 0.5
        for column, m in zip(raw.T, mean, strict=True)
    ]
    np.testing.assert_allclose(seen, (raw - mean) / spread, rtol=1e-9, atol=1e-12)
    assert np.abs(seen[data.held_out_rows].mean(axis=0)).min() > 1e-6


def test_own_units_are_the_files_numbers() -> None:
    data = load_dataset(AMES, seed=7)
    np.testing.assert_array_equal(data.raw_inputs, _columns(*AMES["inputs"]))
    np.testing.assert_array_equal(data.raw_targets, _columns(AMES["target"]))
    back = data.target_scaling.to_own_units(data.targets)
    np.testing.assert_allclose(back, data.raw_targets, rtol=1e-12)


def test_the_split_is_a_function_of_the_seed() -> None:
    one, again, other = (load_dataset(AMES, seed) for seed in (7, 7, 8))
    assert one.held_out_rows.tobytes() == again.held_out_rows.tobytes()
    assert one.held_out_rows.tobytes() != other.held_out_rows.tobytes()
    assert len(one.held_out_rows) == round(0.2 * len(one.inputs)) == 586
    together = np.sort(np.concatenate([one.training_rows, one.held_out_rows]))
    assert together.tolist() == list(range(len(one.inputs)))


@pytest.mark.parametrize(("fraction", "held_out"), [(0.0, 0), (0.3, 3), (0.5, 5), (0.96, 10)])
def test_the_held_out_rows_are_rounded(fraction: float, held_out: int) -> None:
    training, rows = split(10, fraction, seed=1)
    assert (len(training), len(rows)) == (10 - held_out, held_out)


def test_inline_data_is_used_as_given() -> None:
    given = {"inputs": [[1e6, -3.0], [0.1, 0.2], [5.0, 6.0]], "targets": [[2.0], [3.0], [-7.5]]}
    data = load_dataset(parse_spec({"dataset": given}).dataset, seed=7)
    assert data.inputs.tolist() == given["inputs"]
    assert data.targets.tolist() == given["targets"]
    assert data.raw_inputs.tolist() == given["inputs"]
    assert data.training_rows.tolist() == [0, 1, 2]
    assert not len(data.held_out_rows)


def test_a_constant_column_is_only_centred() -> None:
    scaling = standardising(np.array([[4.0, 1.0], [4.0, 3.0]]))
    np.testing.assert_array_equal(scaling.to_network(np.array([[4.0, 3.0]])), [[0.0, 1.0]])


def test_the_arrays_cannot_be_changed() -> None:
    data = load_dataset(AMES, seed=7)
    with pytest.raises(ValueError, match="read-only"):
        data.inputs[0, 0] = 1.0
