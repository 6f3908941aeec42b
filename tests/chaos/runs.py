"""The runs that the clients work on, and the commands that they give."""

from __future__ import annotations

import random
from typing import Any

from app.maths.optimizers import OPTIMIZERS

Json = dict[str, Any]
FAR = 90  # steps: so near that no server needs the background for it
_SHAPES: tuple[tuple[int, str, int, str, str], ...] = (
    (4, "tanh", 1, "identity", "half_squared_error"),
    (5, "relu", 2, "sigmoid", "binary_cross_entropy"),
    (3, "sigmoid", 3, "softmax", "categorical_cross_entropy"),
)


def make_spec(seed: int) -> Json:
    """Return a small network of two or three layers with 12 rows of its own."""
    rng = random.Random(seed)
    units, activation, outputs, last, loss = _SHAPES[seed % len(_SHAPES)]
    rows = [[round(rng.gauss(0, 1), 6) for _ in range(3)] for _ in range(12)]
    hidden = [{"units": units, "activation": activation}] * (1 + seed % 2)
    return {
        "dataset": {"inputs": rows, "targets": [_target(rng, outputs) for _ in rows]},
        "layers": [*hidden, {"units": outputs, "activation": last}],
        "loss": loss,
        "optimizer": {"name": rng.choice(tuple(OPTIMIZERS))},
        "batch_size": rng.choice((1, 4, 12)),
        "learning_rate": 0.05,
        "precision": "float32" if seed % 4 == 3 else "float64",
        "seed": seed,
    }


def _target(rng: random.Random, outputs: int) -> list[float]:
    """Return a class, which every loss accepts."""
    chosen = rng.randrange(outputs)
    return [float(k == chosen) for k in range(outputs)]


def next_command(rng: random.Random, step: int, phases: int = 7) -> Json:
    """Return a command to give at `step`: what changes the run is as frequent as what moves."""
    if step > FAR:
        return {"do": "seek", "step": rng.randrange(FAR // 2), "phase": rng.randrange(phases)}
    return rng.choices(tuple(_MAKERS), weights=tuple(_MAKERS.values()))[0](rng)


def _by_phase(rng: random.Random) -> Json:
    return {"do": "step", "unit": "phase", "by": rng.choice((-5, -1, 1, 1, 3, 9))}


def _by_step(rng: random.Random) -> Json:
    return {"do": "step", "unit": "step", "by": rng.choice((-7, -1, 1, 1, 4, 15))}


def _by_epoch(rng: random.Random) -> Json:
    return {"do": "step", "unit": "epoch", "by": rng.choice((-1, 1, 2))}


def _seek(rng: random.Random) -> Json:
    return {"do": "seek", "step": rng.randrange(FAR), "phase": rng.randrange(7)}


def _learning_rate(rng: random.Random) -> Json:
    return {"do": "change", "learning_rate": round(rng.uniform(0.001, 0.2), 4)}


def _parameter(rng: random.Random) -> Json:
    name = rng.choice(("w1.1.1", "w1.2.3", "b1.2", "w2.3.1", "b2.1"))
    return {"do": "change", "parameter": name, "value": round(rng.gauss(0, 1), 4)}


def _optimizer(rng: random.Random) -> Json:
    return {"do": "change", "optimizer": {"name": rng.choice(tuple(OPTIMIZERS))}}


def _undo(rng: random.Random) -> Json:
    return {"do": "undo"}


_MAKERS = {
    _by_phase: 4,
    _by_step: 4,
    _by_epoch: 1,
    _seek: 3,
    _learning_rate: 2,
    _parameter: 3,
    _optimizer: 1,
    _undo: 3,
}
