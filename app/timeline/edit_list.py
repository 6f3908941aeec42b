"""The edits of a run, and what undo brings back: lists, which know nothing of the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.timeline.edits import Edit, edit_from_json

Shown = tuple[int, str]


@dataclass(frozen=True)
class Edits:
    """`in_force` by step; `undo_stack`: what was added, latest last, what that took away, and what
    had been shown without it: the furthest step, and the machine that had computed all of the run.
    """

    in_force: tuple[Edit, ...] = ()
    undo_stack: tuple[dict[str, Any], ...] = ()

    @classmethod
    def from_json(
        cls, edits: Iterable[dict[str, Any]], undo_stack: Iterable[dict[str, Any]]
    ) -> Edits:
        return cls(tuple(map(edit_from_json, edits)), tuple(undo_stack))

    def adding(self, edit: Edit, shown: Shown, most: int) -> tuple[Edits, tuple[Edit, ...]]:
        """Return these with `edit`, and the edits of later steps that it drops.

        It replaces one of the same step and subject; `most` of them can be taken back. `shown` is
        what undo has to know of the run as it was.
        """
        dropped = tuple(old for old in self.in_force if old.step > edit.step)
        same = (edit.step, edit.subject)
        replaced = [old for old in self.in_force if (old.step, old.subject) == same]
        kept = [old for old in self.in_force if old not in dropped and old not in replaced]
        taken = [old.to_json() for old in (*replaced, *dropped)]
        entry = {"added": edit.to_json(), "took": taken, "shown": list(shown)}
        stack = (*self.undo_stack, entry)
        return Edits((*kept, edit), stack[-most:]), dropped

    def undoing(self) -> tuple[Edits, Edit, Shown | None]:
        """Return these without the last edit and with what that took, the edit, and what had been
        shown before it: None where the store is from a time when that was not noted.
        """
        *stack, last = self.undo_stack
        edit = edit_from_json(last["added"])
        kept = [old for old in self.in_force if old != edit]
        edits = (*kept, *map(edit_from_json, last["took"]))
        held = Edits(tuple(sorted(edits, key=lambda one: one.step)), tuple(stack))
        furthest, machine = last.get("shown", (None, ""))
        return held, edit, None if furthest is None else (int(furthest), str(machine))
