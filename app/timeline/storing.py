"""What of a run's states the store holds already, and which of the others it is given next."""

from __future__ import annotations

from collections.abc import Collection
from weakref import WeakValueDictionary

from app.timeline.checkpoints import Checkpoint
from app.timeline.saved import Saved

AT_ONCE = 8 << 20  # bytes of states that are stored at once: others wait for them meanwhile


class Storing:
    """An edit may put another state at the same step: what is stored are these very objects.

    `to` is the first step behind all that is stored.
    """

    def __init__(self) -> None:
        self.to = 0
        self._there: WeakValueDictionary[int, Checkpoint] = WeakValueDictionary()
        self._ends: list[Checkpoint] = []  # those that are no checkpoints, and so nowhere else

    def next_of(self, kept: list[Checkpoint]) -> tuple[list[Checkpoint], frozenset[int]]:
        """Return what of `kept` is stored next, the first first, and where more is to be stored.

        There the store may hold other states, from before an edit.
        """
        new = [each for each in kept if self._there.get(each.step) is not each]
        most = max(3, AT_ONCE // kept[0].state.nbytes)
        return new[:most], frozenset(each.step for each in new[most:])

    def end_at(self, step: int) -> Checkpoint | None:
        """Return the stored state before `step`, if it is no checkpoint."""
        return next((end for end in self._ends if end.step == step), None)

    def note(self, saved: Saved, checkpoints: Collection[int], fed: int) -> None:
        """Take note that `saved` is in the store; `fed` is the first step not computed then."""
        self._there.update({each.step: each for each in saved.checkpoints})
        ends = saved.steps.difference(checkpoints)
        self._ends = [one for one in (*self._ends, *saved.checkpoints) if one.step in ends]
        if saved.complete:
            self.to = fed

    def cut(self, step: int, fed: int) -> None:
        """Forget the states behind `step`, which an edit changes."""
        self._ends = [end for end in self._ends if end.step <= step]
        self.to = min(self.to, fed)
