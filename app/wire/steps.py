"""A step as JSON: every number by name, for curl, a notebook, a test."""

from __future__ import annotations

from typing import Any

from app.data.datasets import Dataset
from app.maths.network import Network
from app.refusal import Refused
from app.timeline.run import StepRecord
from app.wire.finite import finite_list


def step_json(
    record: StepRecord, network: Network, dataset: Dataset, example: int
) -> dict[str, Any]:
    """Return the whole step; z, a and delta are those of `example`, a position in its rows."""
    count = len(record.rows)
    if not 0 <= example < count:
        raise Refused("out_of_range", "example", example, f"a position in rows, 0 to {count - 1}")
    return {
        "step": record.step,
        "epoch": record.epoch,
        "rows": record.rows.tolist(),
        "example": example,
        "learning_rate": record.learning_rate,
        "inputs": record.inputs[example].tolist(),
        "targets": record.targets[example].tolist(),
        "prediction": record.a[-1][example].tolist(),
        "loss": record.loss,
        "test_loss": record.test_loss,
        "layers": [
            _layer(record, network, layer, example) for layer in range(1, network.layer_count + 1)
        ],
        "units": _own_units(record, dataset, example),
        "exact": record.exact,
    }


def _layer(record: StepRecord, network: Network, layer: int, example: int) -> dict[str, Any]:
    return {
        "weights": network.weights(record.parameters, layer).tolist(),
        "biases": network.biases(record.parameters, layer).tolist(),
        "z": record.z[layer - 1][example].tolist(),
        "a": record.a[layer - 1][example].tolist(),
        "delta": record.delta[layer - 1][example].tolist(),
        "weight_gradients": network.weights(record.gradient, layer).tolist(),
        "bias_gradients": network.biases(record.gradient, layer).tolist(),
        "new_weights": network.weights(record.new_parameters, layer).tolist(),
        "new_biases": network.biases(record.new_parameters, layer).tolist(),
    }


def _own_units(record: StepRecord, dataset: Dataset, example: int) -> dict[str, Any]:
    row = record.rows[example]
    prediction = dataset.target_scaling.to_own_units(record.a[-1][example])
    return {
        "inputs": dataset.raw_inputs[row].tolist(),
        "prediction": finite_list(prediction),
        "targets": dataset.raw_targets[row].tolist(),
        "input_names": [column.name for column in dataset.input_columns],
        "input_units": [column.unit for column in dataset.input_columns],
        "target_names": [column.name for column in dataset.target_columns],
        "target_units": [column.unit for column in dataset.target_columns],
    }
