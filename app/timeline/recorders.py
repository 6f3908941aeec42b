"""Which machine computed which steps first: what a replay elsewhere has to be measured by."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

ANEW = "computed anew"  # in place of a machine: steps whose first digits are not kept anywhere


class Recorders:
    """Entries (first step, machine's fingerprint), by step; each holds up to the next."""

    def __init__(self, machine: str) -> None:
        self.entries: list[tuple[int, str]] = [(0, machine)]

    def at(self, step: int) -> str:
        """Return the machine that computed `step` first."""
        return self.entries[bisect_right(self.entries, step, key=lambda entry: entry[0]) - 1][1]

    def note(self, step: int, machine: str) -> bool:
        """Note that `machine` computes `step` first; tell whether it takes over from another."""
        if self.entries[-1][1] == machine:
            return False
        self.entries = [entry for entry in self.entries if entry[0] < step]
        self.entries.append((step, machine))
        return True

    def cut(self, start: int, step: int, machine: str) -> None:
        """Forget what held from `step` on; steps from `start` to it are now computed by `machine`.

        Where another had computed some of those first, their first digits are gone.
        """
        later = [name for at, name in self.entries if start < at < step]
        gone = any(name != machine for name in (self.at(start), *later))
        self.entries = [entry for entry in self.entries if entry[0] < start or entry[0] == 0]
        if gone and start < step:
            self.entries = [entry for entry in self.entries if entry[0] < start]
            self.entries.append((start, ANEW))
        self.note(step, machine)

    def is_alone(self, machine: str) -> bool:
        """Tell whether `machine` computed every step, and none anew."""
        return all(name == machine for _, name in self.entries)

    def others(self, machine: str) -> list[str]:
        """Return the machines besides `machine` that computed steps, each once."""
        names = dict.fromkeys(name for _, name in self.entries)
        return [name for name in names if name not in (machine, ANEW)]

    def to_json(self) -> list[list[Any]]:
        return [list(entry) for entry in self.entries]

    def restore(self, entries: list[list[Any]]) -> None:
        self.entries = [(int(step), str(machine)) for step, machine in entries]
