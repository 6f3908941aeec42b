"""A run as a value: the state at (step, phase) is a pure function of spec, edits and step.

Any step is reached from the nearest checkpoint by the same computations in the same order as the
first time, so its bits are the same. Not thread-safe: whoever shares a timeline guards it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.data.datasets import load_dataset
from app.limits import DEFAULT_LIMITS, Limits, over
from app.refusal import Refused
from app.timeline.checkpoints import Checkpoint, Checkpoints, first_interval, work_of_step
from app.timeline.edit_list import Edits
from app.timeline.edits import Edit
from app.timeline.history import History
from app.timeline.machine import fingerprint
from app.timeline.phases import Cursor, move, phases_of
from app.timeline.recorders import ANEW, Recorders
from app.timeline.run import Run, StepRecord
from app.timeline.saved import Saved
from app.timeline.spec import Spec
from app.timeline.storing import Storing

Array = NDArray[Any]
_RECORD_BYTES = 4 << 20
_SHORT_TRAIL = 4_096  # steps at most that are computed again to draw the way to a step
_QUICK_TRAIL = 8  # checkpoint intervals that are: about 0.15 s
_FEW_BUCKETS = 256
_SOON_AGAIN = 64  # checkpoint intervals that are computed again in about a second


@dataclass(frozen=True)
class Mark:
    """The state before a step, kept for as long as it may be of use."""

    step: int
    state: Array


class Timeline:
    """One run. `held` are its edits, and what undo brings back.

    `seen` is the furthest step that was ever shown and the machine that had computed it.
    `last_step` is None until divergence is known, then the last step with finite numbers only.
    """

    def __init__(
        self,
        spec: Spec,
        edits: Iterable[dict[str, Any]] = (),
        undo_stack: Iterable[dict[str, Any]] = (),
        saved: Saved | None = None,
        limits: Limits = DEFAULT_LIMITS,
        seen: tuple[int, str] = (0, ""),
    ) -> None:
        self.limits, self.machine = limits, fingerprint(spec.precision)
        self.network = spec.network()
        self.dataset = load_dataset(spec.dataset, spec.seed)  # nosec B615 # ours: loads no model
        self.spec = spec.packed(self.dataset.inputs, self.dataset.targets)
        self.held = Edits.from_json(edits, undo_stack)
        self.last_step: int | None = None
        self.phase_count = len(phases_of(self.network.layer_count))
        self._run = Run(self.spec, self.network, self.dataset)
        self.steps_per_epoch = self._run.batches.steps_per_epoch
        self._records: OrderedDict[int, StepRecord] = OrderedDict()
        self._clean = True
        self._computed = 0
        self._storing = Storing()
        self._front: Mark | None = None  # the state before the latest step that was shown first
        self._marks: list[Mark] = []
        self._replays: dict[int, bool] = {}
        self._start_afresh()
        self.took_over = False
        if saved:
            self._restore(saved)
            self._take_over(*seen)
        with_hint = "initial values, inputs and a learning rate whose first step stays finite"
        if not self._is_finite_at(0, self.edits):
            raise Refused("not_finite", "spec", "a first step that overflows", with_hint)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits in force."""
        return self.held.in_force

    @property
    def furthest(self) -> int:
        """The furthest step computed."""
        return max(self._history.fed - 1, 0)

    @property
    def batch_size(self) -> int:
        return self._run.batches.batch_size

    @property
    def work(self) -> int:
        """Return how many numbers one pass over a batch multiplies."""
        return self.network.parameter_count * self.batch_size

    def move(self, cursor: Cursor, unit: str, by: int) -> Cursor:
        """Return `cursor` moved by so many phases, steps or epochs, clamped to the run."""
        last = self.limits.max_steps
        return move(cursor, unit, by, self.phase_count, self.steps_per_epoch, last)

    def layout(self) -> dict[str, Any]:
        """Return what a reader needs to know once to read every frame."""
        data, network = self.dataset, self.network
        return {
            "sizes": list(network.sizes),
            "activations": list(network.activations),
            "loss": network.loss,
            "precision": self.spec.precision,
            "count": network.parameter_count,
            "parameters": [{**vars(slot), "shape": list(slot.shape)} for slot in network.slots],
            "inputs": [vars(column) for column in data.input_columns],
            "targets": [vars(column) for column in data.target_columns],
            "input_scale": _scale_rows(data.input_scaling),
            "target_scale": _scale_rows(data.target_scaling),
            "row_noun": data.row_noun,
            "phases": [phase.to_json() for phase in phases_of(network.layer_count)],
            "steps_per_epoch": self.steps_per_epoch,
            "training_rows": len(data.training_rows),
            "held_out_rows": len(data.held_out_rows),
        }

    def cost_to(self, step: int) -> int:
        """Return how many steps must be computed before `record(step)` can answer."""
        if step in self._records:
            return 0
        step = self._within_reach(step)
        return step + 1 - self._best_start(step)

    def seconds_to(self, step: int) -> float:
        """Return about how long that takes at the most: an epoch's start sends the held-out rows
        forward too, and what another machine computed first is replayed to be compared.
        """
        rows = self.batch_size + len(self.dataset.held_out_rows)
        replayed = self._checkpoints.interval if self.other_machines() else 0
        each = work_of_step(self.network.parameter_count, rows)
        return (self.cost_to(step) + replayed) * each * 1e-6

    def advance(self, step: int, at_most: int) -> int:
        """Compute up to `at_most` steps on the way to `step`; return how many remain before it.

        It stops, and returns 0, where the run diverges.
        """
        if step in self._records:
            return 0
        step = self._within_reach(step)
        self._stand_near(step)
        self._train(min(step, self._run.step + at_most))
        return 0 if self.last_step is not None and self.last_step < step else step - self._run.step

    def take_computed(self) -> int:
        """Return how many steps were computed since this was asked last, replays included."""
        count, self._computed = self._computed, 0
        return count

    def record(self, step: int) -> StepRecord:
        """Return all numbers of `step`; Refused `diverged` beyond the last finite one."""
        found = self._records.get(step)
        if found is None:
            exact = self._is_exact(self._within_reach(step))
            self._stand_near(step)
            self._train(step)
            found = self._compute_record(step, exact)
        else:
            self._records.move_to_end(step)
        return found

    def change(self, edit: Edit) -> tuple[Edit, ...]:
        """Add `edit`; return the edits of later steps that it drops."""
        if edit.parameter is not None:
            self.network.parameter_index(edit.parameter)
        if len(self.edits) >= self.limits.max_edits:
            allowed = f"at most {self.limits.max_edits:,} edits"
            raise over("max_edits", allowed, "edits", len(self.edits), "too_many_edits")
        held, dropped = self.held.adding(edit)
        if not self._is_finite_at(edit.step, held.in_force):
            expected = f"a value with which step {edit.step:,} stays finite (or step back first)"
            value = edit.value if edit.parameter else edit.learning_rate or edit.optimizer
            raise Refused("diverged_edit", edit.parameter or edit.subject, value, expected)
        self._take(held, edit.step)
        return dropped

    def undo(self) -> Edit:
        """Take the last edit back, restore what it replaced or dropped, and return it."""
        if not self.held.undo_stack:
            raise Refused("nothing_to_undo", None, None, "an edit to take back")
        held, edit = self.held.undoing()
        self._take(held, edit.step)
        return edit

    def hold(self, held: Edits) -> None:
        """Let the edits hold that held when `held` was taken."""
        step = self.held.first_difference(held)
        if step is None:
            self.held = held
        else:
            self._take(held, step)

    def other_machines(self) -> list[str]:
        """Return the fingerprints of other machines that computed steps of this run first."""
        return self._recorders.others(self.machine)

    def trail(self, step: int, most: int = 64) -> list[tuple[int, Array]]:
        """Return the parameters before some steps on the way to `step`, evenly if that is quick.

        Of a long run they are those of its checkpoints.
        """
        self._within_reach(step)
        quick = _QUICK_TRAIL * first_interval(self.network.parameter_count, self.batch_size)
        if step <= min(_SHORT_TRAIL, quick):
            stride = max(1, -(-step // most))
            return [(k, self._parameters_before(k)) for k in range(0, step, stride)]
        steps = [k for k in self._checkpoints.steps if k < step]
        kept = steps[:: -(-len(steps) // most)]
        count = self.network.parameter_count
        return [(k, self._checkpoints[k].state[:count]) for k in kept]

    def _parameters_before(self, step: int) -> Array:
        self._stand_near(step)
        self._train(step)
        return self._run.parameters.copy()

    def history(self) -> dict[str, Any]:
        return self._history.to_json()

    @property
    def unsaved(self) -> float:
        """Return about how many seconds of computing lie behind what is stored.

        By an estimate, and not by how many checkpoints there are: of a large network few are kept,
        however long it took to come there.
        """
        steps = max(self._history.fed - self._storing.to, 0)
        return steps * work_of_step(self.network.parameter_count, self.batch_size) * 1e-6

    def saving(self) -> Saved:
        """Return what has to be stored beside spec and edits, and of checkpoints the new ones.

        One more is the state behind the furthest step, so that another machine goes on from those
        very bytes; to have it may take some 20 ms. And one is the state before that step, where
        somebody stands at it: whoever comes back is shown it at once.
        """
        ends = list(filter(None, (self._checkpoint_at_end(), self._checkpoint_at_front())))
        start, *rest = self._checkpoints.all
        kept = [start, *ends, *reversed(rest)]  # what is missed the most first
        new, later = self._storing.next_of(kept)
        return Saved(
            interval=self._checkpoints.interval,
            recorders=self._recorders.to_json(),
            pinned=sorted(self._checkpoints.pinned),
            history=self._history.to_bytes(),
            checkpoints=tuple(new),
            steps=frozenset(each.step for each in kept) - later,
            complete=not later,
        )

    def note_stored(self, saved: Saved) -> None:
        """Take note that `saved` is in the store."""
        self._storing.note(saved, self._checkpoints.steps, self._history.fed)

    def _checkpoint_at_front(self) -> Checkpoint | None:
        """Return the state before the furthest step, if that was shown and these are its bytes.

        Its sums are of no use: a history is cut at a multiple of the interval, and this is none.
        """
        front, at = self._front, self._history.fed - 1
        if front is None or front.step != at or at in self._checkpoints:
            return None
        if self._recorders.at(at - 1) != self.machine:  # another's bytes may differ from these
            return None
        return self._storing.end_at(at) or Checkpoint(at, front.state, (0.0, 0.0), self.machine)

    def _checkpoint_at_end(self) -> Checkpoint | None:
        at, run = self._history.fed, self._run
        if at in self._checkpoints:
            return None
        if end := self._storing.end_at(at):
            return end
        self._stand_near(at)
        self._train(at)
        if run.step != at:
            return None
        return Checkpoint(at, run.state(), self._sums_at(at), self._recorders.at(at - 1))

    @property
    def kept_bytes(self) -> int:
        """Return the memory taken by the rows, the buffers, checkpoints, marks and records."""
        states = self._checkpoints.bytes + sum(mark.state.nbytes for mark in self._marks)
        records = list(self._records.values())  # a copy: another thread may be adding one
        data = self.dataset.nbytes + self._run.kept_bytes
        return data + states + (len(records) * _record_bytes(records[0]) if records else 0)

    def _start_afresh(self) -> None:
        run = self._run
        state = run.initial_state()
        rows = run.batches.batch_size
        interval = first_interval(self.network.parameter_count, rows)
        self._checkpoints = Checkpoints(interval, state.nbytes)
        self._checkpoints.keep(Checkpoint(0, state, (0.0, 0.0), self.machine))
        self._recorders = Recorders(self.machine)
        self._history = History(self.steps_per_epoch)
        self._stand_at(0)

    def _within_reach(self, step: int) -> int:
        if not 0 <= step <= self.limits.max_steps:
            allowed = f"a step from 0 to {self.limits.max_steps:,}"
            raise over("max_steps", allowed, "step", step, "out_of_range")
        if self.last_step is not None and step > self.last_step:
            expected = f"at most {self.last_step}, the last step whose numbers are all finite"
            raise Refused("diverged", "step", step, expected)
        return step

    def _best_start(self, step: int) -> int:
        """Return the nearest step at or before `step` whose state is at hand."""
        places = [self._checkpoints.before(step).step, *(mark.step for mark in self._marks)]
        if self._clean:
            places.append(self._run.step)
        return max(place for place in places if place <= step)

    def _stand_near(self, step: int) -> None:
        start = self._best_start(step)
        if self._clean and start == self._run.step:
            return
        marks = [mark for mark in self._marks if mark.step == start]
        self._marks = [mark for mark in self._marks if mark.step != start]
        self._mark_here()
        self._go_to(marks[0] if marks else self._checkpoints.before(start))

    def _mark_here(self) -> None:
        """Keep the state that the run is about to leave, and the furthest that was left before.

        Searches that take turns then go on where they were. Each would have to begin again at a
        checkpoint otherwise, and might never come to the next one.
        """
        if self._clean and self._run.step not in self._checkpoints:
            furthest = sorted(self._marks, key=lambda mark: mark.step)[-1:]
            self._marks = [*furthest, Mark(self._run.step, self._run.state())]

    def _stand_at(self, step: int) -> None:
        """Stand before the nearest checkpoint."""
        self._go_to(self._checkpoints.before(step))

    def _go_to(self, kept: Checkpoint | Mark) -> None:
        """Restore a state, and the settings that the edits before it left."""
        run = self._run
        run.learning_rate, run.optimizer = self.spec.learning_rate, self.spec.optimizer["name"]
        for edit in self.edits:
            if edit.step < kept.step and edit.parameter is None:
                run.apply(edit)
        run.set_state(kept.step, kept.state)
        self._clean = True

    def _train(self, target: int) -> None:
        """Compute from where the run stands up to, and not including, `target`."""
        run, edited = self._run, {edit.step for edit in self.edits}
        with np.errstate(all="ignore"):
            while run.step < target:
                if not self._compute(run.step in edited)[0]:
                    return
                run.advance()

    def _compute(self, edited: bool) -> tuple[bool, float]:
        """Compute the step the run stands before; return whether it is finite, and its loss."""
        self._computed += 1
        run, history = self._run, self._history
        first_time = run.step == history.fed
        if first_time:
            self._keep_here()
        if edited:
            self._apply_edits(self.edits)
        if first_time and run.step % self.steps_per_epoch == 0:
            epoch = run.step // self.steps_per_epoch
            history.open_epoch(epoch, run.test_loss() if history.wants_epoch(epoch) else None)
        loss = run.compute()
        if not run.is_finite(loss):
            self.last_step, self._clean = run.step - 1, False
            return False, loss
        if first_time:
            history.feed(loss, run.batch_size_here())
        return True, loss

    def _keep_here(self) -> None:
        """Keep a checkpoint if one is due."""
        at = self._run.step
        if self._checkpoints.wants(at):
            sums = self._sums_at(at)
            self._checkpoints.keep(Checkpoint(at, self._run.state(), sums, self.machine))

    def _sums_at(self, step: int) -> tuple[float, float]:
        at_start = step % self.steps_per_epoch == 0
        return (0.0, 0.0) if at_start else (self._history.loss_sum, self._history.row_sum)

    def _apply_edits(self, edits: Iterable[Edit]) -> None:
        for edit in edits:
            if edit.step == self._run.step:
                self._run.apply(edit)

    def _compute_record(self, step: int, exact: bool) -> StepRecord:
        self._within_reach(step)
        if step == self._history.fed:
            self._front = Mark(step, self._run.state())
        with np.errstate(all="ignore"):
            finite, loss = self._compute(edited=True)
            if not finite:
                self._within_reach(step)
            record = self._run.record(loss, exact)
        self._run.advance()
        self._records[step] = record
        most = max(4, _RECORD_BYTES // _record_bytes(record))
        while len(self._records) > min(most, 512):
            self._records.popitem(last=False)
        return record

    def _is_exact(self, step: int) -> bool:
        """Tell whether the digits computed here are those that were first computed for `step`.

        They are if this kind of machine computed them first, or if the way from the checkpoint
        before the step to the one behind it ends in the very bytes that are stored there.
        """
        if self._recorders.at(step) == self.machine:
            return True
        start, end = self._checkpoints.before(step), self._checkpoints.after(step)
        if end is None or end.machine in (self.machine, ANEW):
            return False
        if start.step not in self._replays:
            self._mark_here()
            self._stand_at(start.step)
            self._train(end.step)
            same = self._run.step == end.step and self._run.state().tobytes() == end.state.tobytes()
            self._replays[start.step] = same
        return self._replays[start.step]

    def _is_finite_at(self, step: int, edits: tuple[Edit, ...]) -> bool:
        """Tell whether `step` would be finite with `edits`, which agree with ours before it."""
        if step > 0 and self.last_step is not None and step > self.last_step + 1:
            return False
        self._stand_near(step)
        self._train(step)
        if self._run.step != step:
            return False
        with np.errstate(all="ignore"):
            self._apply_edits(edits)
            finite = self._run.is_finite(self._run.compute())
        self._clean = False
        return finite

    def _take(self, held: Edits, step: int) -> None:
        """Let `held` hold, and forget what that may have changed: all from `step` on."""
        self.held = held
        self.last_step = None
        self._records = OrderedDict((k, v) for k, v in self._records.items() if k < step)
        self._replays.clear()
        self._marks = [mark for mark in self._marks if mark.step <= step]
        self._front = self._front if self._front and self._front.step <= step else None
        if step < self._history.fed:
            self._forget_from(step)
        self._storing.cut(step, self._history.fed)
        self._stand_at(step)

    def _forget_from(self, step: int) -> None:
        """Cut history and checkpoints back; what is left may be too coarse to be worth keeping."""
        grid = max(self._checkpoints.interval, self._history.width)
        # Not all of the grid need be there: a kill may have come before all of it was stored.
        cut = max(kept for kept in self._checkpoints.steps if kept <= step and kept % grid == 0)
        coarse = self._history.width > 1 and step < _FEW_BUCKETS * self._history.width
        soon = _SOON_AGAIN * first_interval(self.network.parameter_count, self.batch_size)
        if coarse and step <= soon and not self._recorders.others(self.machine):
            self._start_afresh()
        else:
            self._checkpoints.drop_after(cut)
            self._history.cut(cut, *self._checkpoints[cut].sums)
            self._recorders.cut(cut, step, self.machine)

    def _restore(self, saved: Saved) -> None:
        """Go on from what was stored."""
        self._checkpoints.restore(saved.interval, saved.checkpoints)
        self._checkpoints.pinned = set(saved.pinned)
        self._recorders.restore(saved.recorders)
        self._history.restore(saved.history)
        self._clean = False
        self.note_stored(saved)

    def _take_over(self, furthest: int, machine: str) -> None:
        """Note that this machine goes on behind `furthest`, which `machine` had computed last.

        The checkpoint that it starts from is pinned: from another one its digits could differ.
        """
        if machine:
            self._recorders.note(self._history.fed, machine)
        start = max(self._history.fed, furthest + 1)
        self.took_over = self._recorders.note(start, self.machine)
        if self.took_over:
            self._checkpoints.pinned.add(self._checkpoints.before(start).step)


def _scale_rows(scaling: Any) -> list[dict[str, float]]:
    pairs = zip(scaling.mean, scaling.scale, strict=True)
    return [{"mean": float(mean), "scale": float(scale)} for mean, scale in pairs]


def _record_bytes(record: StepRecord) -> int:
    flat = record.parameters.nbytes * 3 + record.inputs.nbytes + record.targets.nbytes
    return flat + 3 * sum(part.nbytes for part in record.z)
