"""What a reader needs to know of a run once, to read every frame of it."""

from __future__ import annotations

from typing import Any

from app.data.datasets import Dataset
from app.data.scaling import Scaling
from app.maths.network import Network
from app.timeline.phases import phases_of


def layout_json(
    network: Network, data: Dataset, precision: str, steps_per_epoch: int
) -> dict[str, Any]:
    return {
        "sizes": list(network.sizes),
        "activations": list(network.activations),
        "loss": network.loss,
        "precision": precision,
        "count": network.parameter_count,
        "parameters": [{**vars(slot), "shape": list(slot.shape)} for slot in network.slots],
        "inputs": [vars(column) for column in data.input_columns],
        "targets": [vars(column) for column in data.target_columns],
        "input_scale": _scale_rows(data.input_scaling),
        "target_scale": _scale_rows(data.target_scaling),
        "row_noun": data.row_noun,
        "phases": [phase.to_json() for phase in phases_of(network.layer_count)],
        "steps_per_epoch": steps_per_epoch,
        "training_rows": len(data.training_rows),
        "held_out_rows": len(data.held_out_rows),
    }


def _scale_rows(scaling: Scaling) -> list[dict[str, float]]:
    pairs = zip(scaling.mean, scaling.scale, strict=True)
    return [{"mean": float(mean), "scale": float(scale)} for mean, scale in pairs]
