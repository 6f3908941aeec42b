"""Checkpoints: the state before some steps, kept so that any step is near one of them.

One every `interval` steps. When they outgrow their memory the interval doubles and every second one
goes, so a run of any length fits. All of it follows from the network's size and not from a clock:
the same run keeps the same checkpoints on every machine. A pinned one stays: it is where a machine
took over a run that another had begun.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_BUDGET_OF_WORK = 20_000.0  # microseconds between two checkpoints, about
_MEGABYTE = 1 << 20
Sums = tuple[float, float]


@dataclass(frozen=True)
class Checkpoint:
    """The state (a flat vector) before `step`, and the sums of its epoch so far.

    `machine` is the fingerprint of what computed the steps before it.
    """

    step: int
    state: Array
    sums: Sums
    machine: str


def work_of_step(parameter_count: int, batch_size: int) -> float:
    """Return about how many microseconds a step takes.

    It costs about 15 of calls, and 0.4 ns a parameter and row for its products (measured on one
    core); the estimate needs to be right within a factor of two only.
    """
    return 15.0 + parameter_count * (0.5 + batch_size) * 0.002


def first_interval(parameter_count: int, batch_size: int) -> int:
    """Return a power of two of steps that take near 20 ms."""
    step = work_of_step(parameter_count, batch_size)
    return 1 << max(0, round(math.log2(_BUDGET_OF_WORK / step)))


def memory_cap(state_bytes: int) -> int:
    """Return how many bytes the checkpoints may take: 1, 8 or 64 MB by the size of one."""
    if state_bytes <= 1 << 10:
        return _MEGABYTE
    return (8 if state_bytes <= 32 << 10 else 64) * _MEGABYTE


class Checkpoints:
    """Checkpoints by step: every multiple of `interval`, and the pinned ones."""

    def __init__(self, interval: int, state_bytes: int) -> None:
        self.interval = interval
        self.pinned: set[int] = set()
        self._state_bytes = state_bytes
        self._most = max(8, memory_cap(state_bytes) // max(state_bytes, 1))
        self._kept: dict[int, Checkpoint] = {}
        self._steps: list[int] = []

    def copy(self) -> Checkpoints:
        """Return these for themselves; the states, which are never written, are shared."""
        found = copy(self)
        found._kept, found._steps, found.pinned = dict(self._kept), self.steps, set(self.pinned)
        return found

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def steps(self) -> list[int]:
        return list(self._steps)

    @property
    def all(self) -> list[Checkpoint]:
        return [self._kept[step] for step in self._steps]

    @property
    def bytes(self) -> int:
        return len(self._kept) * self._state_bytes

    def wants(self, step: int) -> bool:
        return step % self.interval == 0 and step not in self._kept

    def keep(self, checkpoint: Checkpoint) -> None:
        checkpoint.state.setflags(write=False)
        self._kept[checkpoint.step] = checkpoint
        if self._steps and checkpoint.step <= self._steps[-1]:
            self._steps = sorted(self._kept)
        else:
            self._steps.append(checkpoint.step)
        while len(self._kept) > self._most + len(self.pinned):
            self.interval *= 2
            self._retain(k for k in self._steps if k % self.interval == 0 or k in self.pinned)

    def __getitem__(self, step: int) -> Checkpoint:
        return self._kept[step]

    def __contains__(self, step: int) -> bool:
        return step in self._kept

    def before(self, step: int) -> Checkpoint:
        """Return the nearest checkpoint at or before `step`."""
        return self._kept[self._steps[bisect_right(self._steps, step) - 1]]

    def drop_after(self, step: int) -> None:
        self.pinned = {k for k in self.pinned if k <= step}
        self._retain(k for k in self._steps if k <= step)

    def restore(self, interval: int, checkpoints: Iterable[Checkpoint]) -> None:
        """Hold just these, as they were stored."""
        self.interval = interval
        self._kept = {kept.step: kept for kept in checkpoints}
        self._steps = sorted(self._kept)
        for kept in self._kept.values():
            kept.state.setflags(write=False)

    def _retain(self, steps: Iterable[int]) -> None:
        self._kept = {k: self._kept[k] for k in steps}
        self._steps = sorted(self._kept)


def state_of(stored: bytes, precision: str) -> Array:
    """Return the state whose bytes were stored, little-endian, whatever machine reads them."""
    return np.frombuffer(stored, np.dtype(precision).newbyteorder("<")).astype(precision)


def bytes_of(state: Array) -> bytes:
    """Return the bytes of a state as they are stored: little-endian."""
    return state.astype(state.dtype.newbyteorder("<"), copy=False).tobytes()
