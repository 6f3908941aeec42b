"""Checkpoints: the state before some steps, kept so that any step is near one of them.

One every `interval` steps. When they outgrow their memory the interval doubles and every second one
goes, so a run of any length fits. All of it follows from the network's size and not from a clock:
the same run keeps the same checkpoints on every machine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_BUDGET_OF_WORK = 20_000.0  # microseconds between two checkpoints, about
_MEGABYTE = 1 << 20
Sums = tuple[float, float]


def first_interval(parameter_count: int, batch_size: int) -> int:
    """Return a power of two of steps that take near 20 ms.

    A step costs about 15 microseconds of calls, and 0.4 ns a parameter and row for its products
    (measured on one core); the estimate needs to be right within a factor of two only.
    """
    step = 15.0 + parameter_count * (0.5 + batch_size) * 0.002
    return 1 << max(0, round(math.log2(_BUDGET_OF_WORK / step)))


def memory_cap(state_bytes: int) -> int:
    """Return how many bytes the checkpoints may take: 1, 8 or 64 MB by the size of one."""
    if state_bytes <= 1 << 10:
        return _MEGABYTE
    return (8 if state_bytes <= 32 << 10 else 64) * _MEGABYTE


class Checkpoints:
    """States (flat vectors) by step, a multiple of `interval`, with the running epoch's sums."""

    def __init__(self, interval: int, state_bytes: int) -> None:
        self.interval = interval
        self._most = max(8, memory_cap(state_bytes) // max(state_bytes, 1))
        self._states: dict[int, Array] = {}
        self._sums: dict[int, Sums] = {}

    def __len__(self) -> int:
        return len(self._states)

    @property
    def steps(self) -> list[int]:
        return sorted(self._states)

    @property
    def bytes(self) -> int:
        return sum(state.nbytes for state in self._states.values())

    def wants(self, step: int) -> bool:
        return step % self.interval == 0 and step not in self._states

    def keep(self, step: int, state: Array, sums: Sums) -> None:
        """Keep `state`, the state before `step`, and the sums of its epoch so far."""
        state.setflags(write=False)
        self._states[step], self._sums[step] = state, sums
        while len(self._states) > self._most:
            self.interval *= 2
            self._states = {k: v for k, v in self._states.items() if k % self.interval == 0}

    def sums(self, step: int) -> Sums:
        return self._sums[step]

    def before(self, step: int) -> tuple[int, Array]:
        """Return the nearest checkpoint at or before `step`."""
        at = step // self.interval * self.interval
        while at not in self._states:
            at -= self.interval
        return at, self._states[at]

    def drop_after(self, step: int) -> None:
        self._states = {k: v for k, v in self._states.items() if k <= step}

    def to_arrays(self) -> dict[str, Array]:
        steps = sorted(self._states)
        return {
            "checkpoint_interval": np.array(self.interval),
            "checkpoint_steps": np.array(steps, np.int64),
            "checkpoint_sums": np.array([self._sums[k] for k in steps]),
            **{f"checkpoint_{k}": self._states[k] for k in steps},
        }

    def restore(self, arrays: dict[str, Array]) -> None:
        self.interval = int(arrays["checkpoint_interval"])
        self._states = {}
        for step, sums in zip(arrays["checkpoint_steps"], arrays["checkpoint_sums"], strict=True):
            self.keep(int(step), arrays[f"checkpoint_{step}"], (float(sums[0]), float(sums[1])))
