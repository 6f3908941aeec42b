"""Timing: the best of several rounds of each, taken in turn, so that both meet the same weather."""

from __future__ import annotations

import time
from collections.abc import Callable


def best_of(
    calls: dict[str, Callable[[], object]], seconds: float = 0.15, rounds: int = 7
) -> dict[str, float]:
    """Return the least seconds a call of each takes."""
    repeats = {name: max(1, int(seconds / _once(call))) for name, call in calls.items()}
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            best[name] = min(best[name], (time.perf_counter() - started) / repeats[name])
    return best


def _once(call: Callable[[], object]) -> float:
    call()
    started = time.perf_counter()
    for _ in range(3):
        call()
    return max((time.perf_counter() - started) / 3, 1e-7)
