"""The edits of a run, and what undo brings back: lists, which know nothing of the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.timeline.edits import Edit, edit_from_json


@dataclass(frozen=True)
class Edits:
    """`in_force` by step; `undo_stack`: what was added, latest last, and what that took away."""

    in_force: tuple[Edit, ...] = ()
    undo_stack: tuple[dict[str, Any], ...] = ()

    @classmethod
    def from_json(
        cls, edits: Iterable[dict[str, Any]], undo_stack: Iterable[dict[str, Any]]
    ) -> Edits:
        return cls(tuple(map(edit_from_json, edits)), tuple(undo_stack))

    def adding(self, edit: Edit, most: int) -> tuple[Edits, tuple[Edit, ...]]:
        """Return these with `edit`, and the edits of later steps that it drops.

        It replaces one of the same step and subject; `most` of them can be taken back.
        """
        dropped = tuple(old for old in self.in_force if old.step > edit.step)
        same = (edit.step, edit.subject)
        replaced = [old for old in self.in_force if (old.step, old.subject) == same]
        kept = [old for old in self.in_force if old not in dropped and old not in replaced]
        taken = [old.to_json() for old in (*replaced, *dropped)]
        stack = (*self.undo_stack, {"added": edit.to_json(), "took": taken})
        return Edits((*kept, edit), stack[-most:]), dropped

    def undoing(self) -> tuple[Edits, Edit]:
        """Return these without the last edit and with what that took, and the edit."""
        *stack, last = self.undo_stack
        edit = edit_from_json(last["added"])
        kept = [old for old in self.in_force if old != edit]
        edits = (*kept, *map(edit_from_json, last["took"]))
        return Edits(tuple(sorted(edits, key=lambda one: one.step)), tuple(stack)), edit

    def first_difference(self, others: Edits) -> int | None:
        """Return the first step from which these and others can lead to other numbers, if any."""
        steps = [edit.step for edit in {*self.in_force} ^ {*others.in_force}]
        return min(steps, default=None)
