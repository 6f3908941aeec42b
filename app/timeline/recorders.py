"""Which machine computed which steps first: only there a replay has the digits that were shown."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

# In place of a machine, or before its name: steps whose first digits nobody can compute again.
ANEW = "computed anew, "


class Recorders:
    """Entries (first step, machine's fingerprint), by step; each holds up to the next."""

    def __init__(self, machine: str) -> None:
        self.entries: list[tuple[int, str]] = [(0, machine)]

    def copy(self) -> Recorders:
        found = Recorders("")
        found.entries = list(self.entries)
        return found

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
        self.entries = [entry for entry in self.entries if entry[0] <= start]
        if gone and start < step:
            self.entries = [entry for entry in self.entries if entry[0] < start]
            self.entries.append((start, ANEW))
        self.note(step, machine)

    def lose(self, start: int, furthest: int, first: str) -> None:
        """Forget what held from `start` on. What `first` had computed of it, up to `furthest`, was
        shown and not kept: whoever computes it again has digits of its own.
        """
        if furthest >= start:
            self.entries = [entry for entry in self.entries if entry[0] < start]
            self.entries.append((start, ANEW + first.removeprefix(ANEW)))

    def of_all(self) -> str:
        """Return the machine that computed every step, and none anew; "" if there is none."""
        names = {name for _, name in self.entries}
        return names.pop() if len(names) == 1 else ""

    def others(self, machine: str) -> list[str]:
        """Return the machines besides `machine` that computed steps, each once."""
        names = dict.fromkeys(name.removeprefix(ANEW) for _, name in self.entries)
        return [name for name in names if name not in (machine, "")]

    def to_json(self) -> list[list[Any]]:
        return [list(entry) for entry in self.entries]

    def restore(self, entries: list[list[Any]]) -> None:
        self.entries = [(int(step), str(machine)) for step, machine in entries]
