"""Training up to any step of a run, from the nearest state that is kept before it.

A step is reached by the same computations in the same order as the first time, so its bits are the
same. What is computed for the first time feeds the history and leaves checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.timeline.checkpoints import Checkpoint, Checkpoints, first_interval
from app.timeline.edits import Edit
from app.timeline.history import History
from app.timeline.recorders import Recorders
from app.timeline.run import Run
from app.timeline.saved import Saved

Array = NDArray[Any]
_FEW_BUCKETS = 256
_SOON_AGAIN = 64  # checkpoint intervals that are computed again in about a second


@dataclass(frozen=True)
class Mark:
    """The state before a step, kept for as long as it may be of use."""

    step: int
    state: Array


@dataclass(frozen=True)
class Memory:
    """What a trainer knows of the steps that it computed, as it was at some moment."""

    edits: tuple[Edit, ...]
    last_step: int | None
    furthest: int
    checkpoints: Checkpoints
    history: History
    recorders: Recorders
    marks: list[Mark]


class Trainer:
    """`run` stands before some step; `edits` are those in force, on this `machine`.

    `last_step` is None until divergence is known, then the last step with finite numbers only.
    `computed` counts the steps that were computed, replays included. `furthest` is the furthest
    step that anybody may have been shown.
    """

    def __init__(self, run: Run, edits: tuple[Edit, ...], machine: str) -> None:
        self.run, self.edits, self.machine = run, edits, machine
        self.last_step: int | None = None
        self.computed = 0
        self.first_interval = first_interval(run.network.parameter_count, run.batches.batch_size)
        self._is_clean = True  # whether the run is at the start of its step, and not amid it
        self._marks: list[Mark] = []
        self._shown = 0
        self._start_afresh()

    @property
    def fed(self) -> int:
        """The first step that was not computed yet."""
        return self.history.fed

    @property
    def furthest(self) -> int:
        return max(self._shown, self.fed - 1)

    @property
    def kept_bytes(self) -> int:
        return self.checkpoints.bytes + sum(mark.state.nbytes for mark in self._marks)

    def steps_to(self, step: int) -> int:
        """Return how many steps must be computed to come before `step`."""
        return step - self._best_start(step)

    def stand_near(self, step: int) -> None:
        """Stand at the nearest step at or before `step` whose state is at hand.

        A checkpoint goes before the state that a replay of the step before it led to: where another
        machine had computed that, only the checkpoint has the bytes that the run goes on from.
        """
        start = self._best_start(step)
        if self._is_clean and start == self.run.step and start not in self.checkpoints:
            return
        marks = [mark for mark in self._marks if mark.step == start]
        self._marks = [mark for mark in self._marks if mark.step != start]
        self._mark_here()
        self._go_to(marks[0] if marks else self.checkpoints.before(start))

    def train(self, target: int) -> None:
        """Compute from where the run stands up to, and not including, `target`."""
        run, edited = self.run, {edit.step for edit in self.edits}
        with np.errstate(all="ignore"):
            while run.step < target:
                if not self.compute(run.step in edited)[0]:
                    return
                run.advance()

    def go_before(self, step: int) -> bool:
        """Stand before `step`; tell whether all steps before it are finite."""
        self.stand_near(step)
        self.train(step)
        return self.run.step == step

    def compute(self, is_edited: bool) -> tuple[bool, float]:
        """Compute the step the run stands before; return whether it is finite, and its loss."""
        self.computed += 1
        run, history = self.run, self.history
        first_time = run.step == history.fed
        if first_time:
            self._keep_here()
        if is_edited:
            self._apply(self.edits)
        if first_time and run.step % run.batches.steps_per_epoch == 0:
            epoch = run.step // run.batches.steps_per_epoch
            history.open_epoch(epoch, run.test_loss() if history.wants_epoch(epoch) else None)
        loss = run.compute()
        if not run.is_finite(loss):
            self.last_step, self._is_clean = run.step - 1, False
            return False, loss
        if first_time:
            history.feed(loss, run.batch_size_here())
        return True, loss

    def is_finite_at(self, step: int, edits: tuple[Edit, ...]) -> bool:
        """Tell whether `step` would be finite with `edits`, which agree with ours before it."""
        if step > 0 and self.last_step is not None and step > self.last_step + 1:
            return False
        if not self.go_before(step):
            return False
        with np.errstate(all="ignore"):
            self._apply(edits)
            finite = self.run.is_finite(self.run.compute())
        self._is_clean = False
        return finite

    def is_exact(self, step: int) -> bool:
        """Tell whether the digits computed here are those that were first computed for `step`.

        They are if this kind of machine computed them first. That a replay ends in the bytes that
        are stored behind the step would prove nothing: training forgets small differences, and a
        gradient's last digit may be lost where it is added to a weight.
        """
        return self.recorders.at(step) == self.machine

    def sums_at(self, step: int) -> tuple[float, float]:
        """Return the sums of the epoch before `step`, the first that was not computed yet."""
        at_start = step % self.run.batches.steps_per_epoch == 0
        return (0.0, 0.0) if at_start else (self.history.loss_sum, self.history.row_sum)

    def take(self, edits: tuple[Edit, ...], step: int) -> None:
        """Let `edits` hold, and forget what that may have changed: all from `step` on."""
        self.edits, self.last_step = edits, None
        self._shown = min(self.furthest, max(step - 1, 0))
        if step < self.fed:
            self._forget_from(step)
        # Whoever stood beyond what was computed would never feed the history again.
        self._marks = [mark for mark in self._marks if mark.step <= min(step, self.fed)]
        self._go_to(self.checkpoints.before(step))

    def memory(self) -> Memory:
        """Return what is known now, so that `put_back` can undo what an edit made of it."""
        known = self.checkpoints.copy(), self.history.copy(), self.recorders.copy()
        return Memory(self.edits, self.last_step, self.furthest, *known, self._marks)

    def put_back(self, memory: Memory) -> None:
        """Know again what `memory` has, as if there had been no edit since."""
        self.edits, self.last_step, self._shown = memory.edits, memory.last_step, memory.furthest
        self.checkpoints, self.history = memory.checkpoints, memory.history
        self.recorders, self._marks = memory.recorders, memory.marks
        self._go_to(self.checkpoints[0])

    def take_back(self, step: int, furthest: int, machine: str) -> None:
        """Take note that an undo brought back steps from `step` to `furthest`, which `machine` had
        computed with all before them, or several had (""), and which somebody may have seen.
        """
        self._shown = max(self.furthest, furthest)
        if not self.machine == machine == self.recorders.of_all():
            self.recorders.lose(step, furthest, machine)
            self.recorders.note(max(step, furthest + 1), self.machine)

    def restore(self, saved: Saved | None, furthest: int, machine: str) -> bool:
        """Go on from what was stored, where steps up to `furthest` were shown, the last ones by
        `machine`.

        Return whether this machine takes over from another: then the checkpoint that it starts from
        is pinned, since from another one its digits could differ.
        """
        if saved:
            self.checkpoints.restore(saved.interval, saved.checkpoints)
            self.checkpoints.pinned = set(saved.pinned)
            self.recorders.restore(saved.recorders)
            self.history.restore(saved.history)
        self._is_clean, self._shown = False, furthest
        if machine != self.machine:  # what it showed and did not store is computed anew
            self.recorders.lose(self.fed, furthest, machine)
        start = max(self.fed, furthest + 1)
        takes_over = self.recorders.note(start, self.machine) or machine != self.machine
        if takes_over:
            self.checkpoints.pinned.add(self.checkpoints.before(start).step)
        return takes_over

    def _start_afresh(self) -> None:
        state = self.run.initial_state()
        self.checkpoints = Checkpoints(self.first_interval, state.nbytes)
        self.checkpoints.keep(Checkpoint(0, state, (0.0, 0.0), self.machine))
        self.recorders = Recorders(self.machine)
        self.history = History(self.run.batches.steps_per_epoch)
        self._go_to(self.checkpoints[0])

    def _best_start(self, step: int) -> int:
        """Return the nearest step at or before `step` whose state is at hand."""
        places = [self.checkpoints.before(step).step, *(mark.step for mark in self._marks)]
        if self._is_clean:
            places.append(self.run.step)
        return max(place for place in places if place <= step)

    def _mark_here(self) -> None:
        """Keep the state that the run is about to leave, and the furthest that was left before.

        Searches that take turns then go on where they were. Each would have to begin again at a
        checkpoint otherwise, and might never come to the next one.
        """
        if self._is_clean and self.run.step not in self.checkpoints:
            furthest = sorted(self._marks, key=lambda mark: mark.step)[-1:]
            self._marks = [*furthest, Mark(self.run.step, self.run.state())]

    def _go_to(self, kept: Checkpoint | Mark) -> None:
        """Restore a state, and the settings that the edits before it left."""
        run = self.run
        run.learning_rate, run.optimizer = run.spec.learning_rate, run.spec.optimizer["name"]
        for edit in self.edits:
            if edit.step < kept.step and edit.parameter is None:
                run.apply(edit)
        run.set_state(kept.step, kept.state)
        self._is_clean = True

    def _keep_here(self) -> None:
        """Keep a checkpoint if one is due."""
        at = self.run.step
        if self.checkpoints.wants(at):
            sums = self.sums_at(at)
            self.checkpoints.keep(Checkpoint(at, self.run.state(), sums, self.machine))

    def _apply(self, edits: tuple[Edit, ...]) -> None:
        for edit in edits:
            if edit.step == self.run.step:
                self.run.apply(edit)

    def _forget_from(self, step: int) -> None:
        """Cut history and checkpoints back; what is left may be too coarse to be worth keeping."""
        grid = max(self.checkpoints.interval, self.history.width)
        # Not all of the grid need be there: a kill may have come before all of it was stored.
        cut = max(kept for kept in self.checkpoints.steps if kept <= step and kept % grid == 0)
        coarse = self.history.width > 1 and step < _FEW_BUCKETS * self.history.width
        soon = _SOON_AGAIN * self.first_interval
        if coarse and step <= soon and self.recorders.of_all() == self.machine:
            self._start_afresh()
        else:
            self.checkpoints.drop_after(cut)
            if self.recorders.of_all() != self.machine:  # from another one digits could differ
                self.checkpoints.pinned.add(cut)
            self.history.cut(cut, *self.checkpoints[cut].sums)
            self.recorders.cut(cut, step, self.machine)
