"""An application for fuzzing, and sessions of every kind in it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from app.limits import Limits
from app.settings import Settings
from app.timeline.presets import HOUSE
from tests.clients import client_of
from tests.nets import SMALL

MOST_STEPS = 2_000  # reached in no time, so that no request has to wait
MANY = 10**9  # the most that a setting may be
# As many commands and sessions as there may be.
NO_RATES = {
    "commands_per_second": MANY,
    "command_burst": MANY,
    "frames_per_second": MANY,
    "frame_burst": MANY,
    "sockets_per_address": MANY,
    "sockets_per_session": MANY,
    "sessions_per_hour": MANY,
}
CLASSES: dict[str, Any] = {
    "dataset": {
        "inputs": [[0.5, 1.0], [-1.0, 0.2], [0.3, 0.3]],
        "targets": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "test_fraction": 0.3,
    },
    "layers": [{"units": 4, "activation": "relu"}, {"units": 3, "activation": "softmax"}],
    "loss": "categorical_cross_entropy",
}
# Every number is finite, and little that is made of two of them.
HUGE: dict[str, Any] = {
    "dataset": {
        "inputs": [[0.0], [0.0], [1e-8], [0.0]],
        "targets": [[1.2e154]] * 4,
        "target_units": [{"unit": "m", "per": 1e150}],
        "test_fraction": 0.25,
    },
    "layers": [{"units": 1, "activation": "identity"}],
    "learning_rate": 1e-10,
}
SPECS: dict[str, dict[str, Any]] = {
    "small": SMALL,
    "ames": {},
    "classes": CLASSES,
    "float32": {**SMALL, "precision": "float32", "train_biases": False},
    "diverging": {**HOUSE, "learning_rate": 0.4},
    "huge": HUGE,
}


class Complaints(logging.Handler):
    """What the application and its event loop log from WARNING on: there should be nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


@contextmanager
def application() -> Iterator[TestClient]:
    """Serve an application of its own; fail in the end where it logged an error."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    try:
        with tempfile.TemporaryDirectory() as folder:
            limits = Limits(**NO_RATES, max_steps=MOST_STEPS)
            with client_of(Settings(data_dir=Path(folder), limits=limits)) as client:
                yield client
    finally:
        logging.getLogger().removeHandler(complaints)
    assert complaints.found == []


def make_session(client: Any, spec: dict[str, Any]) -> str:
    reply = client.post("/api/sessions", json=spec)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def parameters_of(client: Any, identity: str) -> list[str]:
    """Return the names of the first and the last parameter of each matrix and vector."""
    slots = client.get(f"/api/sessions/{identity}").json()["layout"]["parameters"]
    ends = [
        (slot["name"], end) for slot in slots for end in ([1] * len(slot["shape"]), slot["shape"])
    ]
    return list(dict.fromkeys(".".join([name, *map(str, units)]) for name, units in ends))
