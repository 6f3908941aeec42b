"""What of a run's states the store holds already, and which of the others it is given next."""

from __future__ import annotations

from weakref import WeakValueDictionary

from app.timeline.checkpoints import Checkpoint
from app.timeline.saved import Saved
from app.timeline.trainer import Mark, Trainer

StoringMemory = tuple[int, Mark | None, list[Checkpoint]]
AT_ONCE = 8 << 20  # bytes of states that are stored at once: others wait for them meanwhile


class Storing:
    """An edit may put another state at the same step: what is stored are these very objects.

    `to` is the first step behind all that is stored.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.to = 0
        self._trainer = trainer
        self._front: Mark | None = None  # the state before the latest step that was shown first
        self._there: WeakValueDictionary[int, Checkpoint] = WeakValueDictionary()
        self._ends: list[Checkpoint] = []  # those that are no checkpoints, and so nowhere else

    def stand_at_front(self) -> None:
        """Keep the state before the step that is shown first now: somebody stands there."""
        self._front = Mark(self._trainer.run.step, self._trainer.run.state())

    def saving(self) -> Saved:
        """Return what has to be stored beside spec and edits, and of checkpoints the new ones.

        One more is the state behind the furthest step, so that another machine goes on from those
        very bytes; to have it may take some 20 ms. And one is the state before that step, where
        somebody stands at it: whoever comes back is shown it at once.
        """
        trainer = self._trainer
        ends = list(filter(None, (self._at_end(), self._at_front())))
        start, *rest = trainer.checkpoints.all
        kept = [start, *ends, *reversed(rest)]  # what is missed the most first
        new, later = self._next_of(kept)
        return Saved(
            interval=trainer.checkpoints.interval,
            recorders=trainer.recorders.to_json(),
            pinned=sorted(trainer.checkpoints.pinned),
            history=trainer.history.to_bytes(),
            checkpoints=tuple(new),
            steps=frozenset(each.step for each in kept) - later,
            complete=not later,
        )

    def note(self, saved: Saved) -> None:
        """Take note that `saved` is in the store."""
        self._there.update({each.step: each for each in saved.checkpoints})
        ends = saved.steps.difference(self._trainer.checkpoints.steps)
        self._ends = [one for one in (*self._ends, *saved.checkpoints) if one.step in ends]
        if saved.complete:
            self.to = self._trainer.fed

    def memory(self) -> StoringMemory:
        return self.to, self._front, self._ends

    def put_back(self, memory: StoringMemory) -> None:
        self.to, self._front, self._ends = memory

    def cut(self, step: int) -> None:
        """Forget the states behind `step`, which an edit changes, and those that lie beyond what is
        left of the computed steps: to come there again may lead to other bytes.
        """
        left = min(step, self._trainer.fed)
        self._front = self._front if self._front and self._front.step <= left else None
        self._ends = [end for end in self._ends if end.step <= left]
        self.to = min(self.to, self._trainer.fed)

    def _next_of(self, kept: list[Checkpoint]) -> tuple[list[Checkpoint], frozenset[int]]:
        """Return what of `kept` is stored next, the first first, and where more is to be stored.

        There the store may hold other states, from before an edit.
        """
        new = [each for each in kept if self._there.get(each.step) is not each]
        most = max(3, AT_ONCE // kept[0].state.nbytes)
        return new[:most], frozenset(each.step for each in new[most:])

    def _at_front(self) -> Checkpoint | None:
        """Return the state before the furthest step, if that was shown and these are its bytes.

        Its sums are of no use: a history is cut at a multiple of the interval, and this is none.
        """
        trainer, front = self._trainer, self._front
        at = trainer.fed - 1
        if front is None or front.step != at or at in trainer.checkpoints:
            return None
        if trainer.recorders.at(at - 1) != trainer.machine:  # another's bytes may differ from these
            return None
        return self._stored_end(at) or Checkpoint(at, front.state, (0.0, 0.0), trainer.machine)

    def _at_end(self) -> Checkpoint | None:
        """Return the state behind the furthest step, if that is no checkpoint."""
        trainer = self._trainer
        at = trainer.fed
        if at in trainer.checkpoints:
            return None
        if end := self._stored_end(at):
            return end
        if not trainer.go_before(at):
            return None
        state, machine = trainer.run.state(), trainer.recorders.at(at - 1)
        return Checkpoint(at, state, trainer.sums_at(at), machine)

    def _stored_end(self, step: int) -> Checkpoint | None:
        """Return the stored state before `step`, if it is no checkpoint."""
        return next((end for end in self._ends if end.step == step), None)
