"""What explains a step, in CPU time of the server: chain, slice, trial and the check of a part."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

import numpy as np

from app.timeline.run import StepRecord
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.timeline.trial import trial
from app.web.explain import MOST_CHECKED
from app.wire.explain import chain_json, check_json
from app.wire.landscape import slice_json

WANTED = 20  # ms, within which an answer seems to come at once
NAME = "w1.2.3"  # of the first layer, since most of the network comes after it


def main() -> None:
    _tell("houses of Ames", Timeline(parse_spec({})))
    for hidden, rows in product(("tanh", "relu"), (1, 32)):
        _tell(f"64-128-10 {hidden}, batch {rows}", _timeline(hidden, (64, 128, 10), rows))
    _tell("3-6-6-6-6-1 tanh, batch 1", _timeline("tanh", (3, 6, 6, 6, 6, 1), 1))


def _timeline(hidden: str, sizes: tuple[int, ...], rows: int) -> Timeline:
    rng = np.random.default_rng(0)
    data = {"inputs": rng.normal(size=(64, sizes[0])), "targets": rng.normal(size=(64, sizes[-1]))}
    spec = {
        "dataset": {name: table.tolist() for name, table in data.items()},
        "layers": [
            *({"units": units, "activation": hidden} for units in sizes[1:-1]),
            {"units": sizes[-1], "activation": "identity"},
        ],
        "batch_size": rows,
        "learning_rate": 1e-3,
    }
    return Timeline(parse_spec(spec))


def _tell(what: str, timeline: Timeline) -> None:
    best = {name: _cpu(call) for name, call in _calls(timeline, timeline.record(1)).items()}
    times = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in best.items())
    count = timeline.network.parameter_count
    print(f"{what}, {count:,} parameters: {times} ms of CPU (wanted {WANTED})")


def _calls(timeline: Timeline, record: StepRecord) -> dict[str, Callable[[], object]]:
    network, precision = timeline.network, timeline.spec.precision
    optimizer = timeline.spec.optimizer["name"]
    part = min(MOST_CHECKED, network.parameter_count)
    return {
        "chain": lambda: chain_json(record, network, precision, NAME, 0),
        "slice": lambda: slice_json(record, network, NAME),
        "trial": lambda: trial(record, network, optimizer, NAME, 0.4),
        f"check of {part}": lambda: check_json(record, network, precision, 0, part),
    }


def _cpu(call: Callable[[], object], rounds: int = 20) -> float:
    """Return the least milliseconds of CPU that one call takes."""
    spent = []
    for _ in range(rounds):
        started = time.process_time()
        call()
        spent.append(time.process_time() - started)
    return min(spent) * 1000
