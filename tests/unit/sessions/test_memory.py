"""What a run takes in memory: its rows once, and all of it counted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np

from app.limits import Limits
from app.sessions.sessions import Sessions
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline

ROWS, WIDTH = 500, 100
LINEAR = [{"units": 1, "activation": "identity"}]


def wide() -> dict[str, Any]:
    rows = [[(k * j) % 7 / 8 for k in range(WIDTH)] for j in range(ROWS)]
    data = {"inputs": rows, "targets": [[1.0]] * ROWS}
    return {"dataset": data, "layers": LINEAR, "learning_rate": 1e-6}


def test_the_numbers_of_a_spec_are_kept_once_and_told_as_they_came() -> None:
    weights = {"weights": [[[k / 8] for k in range(WIDTH)]], "biases": [[0.5]]}
    given = {**wide(), "initial": weights}
    timeline = Timeline(parse_spec(given))
    assert np.shares_memory(timeline.spec.dataset["inputs"], timeline.dataset.inputs)
    assert timeline.dataset.raw_inputs is timeline.dataset.inputs
    told = timeline.spec.to_json()
    assert (told["dataset"]["inputs"], told["initial"]) == (given["dataset"]["inputs"], weights)
    json.dumps(told)


def test_the_rows_of_a_run_count() -> None:
    timeline = Timeline(parse_spec(wide()))
    assert timeline.kept_bytes > ROWS * WIDTH * 8 * 3  # as given, with ones, in order


def test_runs_on_large_data_leave_memory_when_they_are_idle(tmp_path: Path) -> None:
    async def scene() -> list[int]:
        sessions = Sessions(tmp_path, Limits(resident_bytes=3 * ROWS * WIDTH * 8 * 3))
        resident = []
        for _ in range(6):
            await sessions.create(wide())
            resident.append(sessions.resident)
        await sessions.close()
        return resident

    assert asyncio.run(scene()) == [1, 2, 2, 2, 2, 2]
