"""A jump to a random step of a run of 1,000,000: CPU time and memory kept."""

from __future__ import annotations

import time

import numpy as np

from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline

STEPS = 1_000_000


def main() -> None:
    rng = np.random.default_rng(0)
    data = {
        "inputs": rng.normal(size=(64, 2)).tolist(),
        "targets": rng.normal(size=(64, 1)).tolist(),
    }
    layers = [{"units": 8}, {"units": 8}, {"units": 1, "activation": "identity"}]
    timeline = Timeline(parse_spec({"dataset": data, "layers": layers, "learning_rate": 0.01}))
    started = time.process_time()
    while timeline.advance(STEPS, 100_000):
        pass
    print(f"first time through: {time.process_time() - started:.1f} s of CPU")
    spent = []
    for step in rng.integers(0, STEPS, 300):
        started = time.process_time()
        timeline.record(int(step))
        spent.append((time.process_time() - started) * 1000)
    half, most = np.percentile(spent, [50, 99])
    print(f"2-8-8-1: a jump takes {half:.1f} ms of CPU, p99 {most:.1f} ms (wanted 50)")
    print(f"kept in memory: {timeline.kept_bytes / 1e6:.1f} MB (wanted 10)")
