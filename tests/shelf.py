"""A store of one run in memory: what a timeline gives to be stored, put together as the store does."""

from __future__ import annotations

from dataclasses import replace

from app.timeline.checkpoints import Checkpoint
from app.timeline.saved import Saved
from app.timeline.timeline import Timeline


class Shelf:
    """Takes what a timeline saves, again and again, and gives all of it back."""

    def __init__(self) -> None:
        self._kept: dict[int, Checkpoint] = {}
        self._saved: Saved | None = None

    def take(self, timeline: Timeline) -> Saved:
        """Store what is new, and return what a restart would read."""
        saved = timeline.saving()
        timeline.note_stored(saved)
        self._kept |= {kept.step: kept for kept in saved.checkpoints}
        self._kept = {step: kept for step, kept in self._kept.items() if step in saved.steps}
        assert self._kept.keys() == saved.steps
        self._saved = replace(saved, checkpoints=tuple(self._kept.values()))
        return self._saved
