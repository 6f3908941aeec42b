"""A run as a value: the state at (step, phase) is a pure function of spec, edits and step.

Not thread-safe: whoever shares a timeline guards it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.data.datasets import Dataset, load_dataset
from app.limits import DEFAULT_LIMITS, Limits, over
from app.refusal import Refused
from app.timeline.checkpoints import work_of_step
from app.timeline.edit_list import Edits, Shown
from app.timeline.edits import Edit
from app.timeline.layout import layout_json
from app.timeline.machine import fingerprint
from app.timeline.phases import Cursor, move, phases_of
from app.timeline.run import Run, StepRecord
from app.timeline.saved import Saved
from app.timeline.spec import Spec
from app.timeline.storing import Storing, StoringMemory
from app.timeline.trainer import Memory, Trainer

Array = NDArray[Any]
TimelineMemory = tuple[Edits, "OrderedDict[int, StepRecord]", Memory, StoringMemory]
_RECORD_BYTES = 4 << 20
_LARGE_RECORD_BYTES = 64 << 20  # up to so much four large ones, which are slow to compute
_MOST_RECORDS = 512
_SHORT_TRAIL = 4_096  # steps at most that are computed again to draw the way to a step
_QUICK_TRAIL = 8  # checkpoint intervals that are: about 0.15 s


@dataclass(frozen=True)
class Extent:
    """How far a run goes: the `furthest` step computed, the last one whose numbers are all finite
    (None until divergence is known), and the other machines that computed steps of it first.
    """

    furthest: int
    last_step: int | None
    other_machines: list[str]


class Timeline:
    """One run. `held` are its edits, and what undo brings back.

    `shown` is the furthest step that was ever shown and the machine that had computed it; if that
    was another, this one `took_over`.
    """

    def __init__(
        self,
        spec: Spec,
        edits: Iterable[dict[str, Any]] = (),
        undo_stack: Iterable[dict[str, Any]] = (),
        saved: Saved | None = None,
        limits: Limits = DEFAULT_LIMITS,
        shown: Shown | None = None,
    ) -> None:
        self.limits, self.machine = limits, fingerprint(spec.precision)
        self.network = spec.network()
        self.dataset = load_dataset(spec.dataset, spec.seed)  # nosec B615 # ours: loads no model
        self.spec = spec.packed(self.dataset.inputs, self.dataset.targets)
        self.held = Edits.from_json(edits, undo_stack)
        self.phase_count = len(phases_of(self.network.layer_count))
        _check_batch(self.network.sizes, spec.batch_size, self.dataset, limits)
        self._run = Run(self.spec, self.network, self.dataset)
        self.batch_size = self._run.batches.batch_size
        self.steps_per_epoch = self._run.batches.steps_per_epoch
        self._trainer = Trainer(self._run, self.edits, self.machine)
        self._storing = Storing(self._trainer)
        self._records: OrderedDict[int, StepRecord] = OrderedDict()
        self.took_over = self._trainer.restore(saved, *(shown or (0, self.machine)))
        if saved:
            self._storing.note(saved)
        with_hint = "initial values, inputs and a learning rate whose first step stays finite"
        if not self._trainer.is_finite_at(0, self.edits):
            raise Refused("not_finite", "spec", "a first step that overflows", with_hint)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits in force."""
        return self.held.in_force

    @property
    def furthest(self) -> int:
        """The furthest step computed."""
        return max(self._trainer.fed - 1, 0)

    @property
    def shown(self) -> Shown:
        """The furthest step that anybody may have been shown, and what computes here."""
        return self._trainer.furthest, self.machine

    @property
    def last_step(self) -> int | None:
        """The last step with finite numbers only; None until divergence is known."""
        return self._trainer.last_step

    @property
    def extent(self) -> Extent:
        return Extent(self.furthest, self.last_step, self.other_machines())

    @property
    def work(self) -> int:
        """Return how many numbers one pass over a batch multiplies."""
        return self.network.parameter_count * self.batch_size

    @property
    def unsaved(self) -> float:
        """Return about how many seconds of computing lie behind what is stored.

        By an estimate, and not by how many checkpoints there are: of a large network few are kept,
        however long it took to come there.
        """
        steps = max(self._trainer.fed - self._storing.to, 0)
        return steps * work_of_step(self.network.parameter_count, self.batch_size) * 1e-6

    @property
    def kept_bytes(self) -> int:
        """Return the memory taken by the rows, the buffers, checkpoints, marks and records."""
        records = list(self._records.values())  # a copy: another thread may be adding one
        data = self.dataset.nbytes + self._run.kept_bytes + self._trainer.kept_bytes
        return data + (len(records) * _record_bytes(records[0]) if records else 0)

    def move(self, cursor: Cursor, unit: str, by: int) -> Cursor:
        """Return `cursor` moved by so many phases, steps or epochs, clamped to the run."""
        last = self.limits.max_steps
        return move(cursor, unit, by, self.phase_count, self.steps_per_epoch, last)

    def layout(self) -> dict[str, Any]:
        """Return what a reader needs to know once to read every frame."""
        return layout_json(self.network, self.dataset, self.spec.precision, self.steps_per_epoch)

    def cost_to(self, step: int) -> int:
        """Return how many steps must be computed before `record(step)` can answer."""
        if step in self._records:
            return 0
        return self._trainer.steps_to(self._within_reach(step)) + 1

    def seconds_to(self, step: int) -> float:
        """Return about how long that takes at the most: an epoch's start sends the held-out rows
        forward too.
        """
        rows = self.batch_size + len(self.dataset.held_out_rows)
        return self.cost_to(step) * work_of_step(self.network.parameter_count, rows) * 1e-6

    def advance(self, step: int, at_most: int) -> int:
        """Compute up to `at_most` steps on the way to `step`; return how many remain before it.

        It stops, and returns 0, where the run diverges.
        """
        if step in self._records:
            return 0
        step = self._within_reach(step)
        self._trainer.stand_near(step)
        self._trainer.train(min(step, self._run.step + at_most))
        return 0 if self.last_step is not None and self.last_step < step else step - self._run.step

    def take_computed(self) -> int:
        """Return how many steps were computed since this was asked last, replays included."""
        count, self._trainer.computed = self._trainer.computed, 0
        return count

    def record(self, step: int) -> StepRecord:
        """Return all numbers of `step`; Refused `diverged` beyond the last finite one."""
        found = self._records.get(step)
        if found is not None:
            self._records.move_to_end(step)
            return found
        found = self._compute_record(self._within_reach(step))
        self._records[step] = found
        while len(self._records) > _most_records(_record_bytes(found)):
            self._records.popitem(last=False)
        return found

    def change(self, edit: Edit) -> tuple[Edit, ...]:
        """Add `edit`; return the edits of later steps that it drops."""
        if edit.parameter is not None:
            self.network.parameter_index(edit.parameter)
        if len(self.edits) >= self.limits.max_edits:
            allowed = f"at most {self.limits.max_edits:,} edits"
            raise over("max_edits", allowed, "edits", len(self.edits), "too_many_edits")
        shown = self._trainer.furthest, self._trainer.recorders.of_all()
        held, dropped = self.held.adding(edit, shown, self.limits.max_undos)
        if not self._trainer.is_finite_at(edit.step, held.in_force):
            expected = f"a value with which step {edit.step:,} stays finite (or step back first)"
            value = edit.value if edit.parameter else edit.learning_rate or edit.optimizer
            raise Refused("diverged_edit", edit.parameter or edit.subject, value, expected)
        self._take(held, edit.step)
        return dropped

    def undo(self) -> Edit:
        """Take the last edit back, restore what it replaced or dropped, and return it."""
        self.check_undo()
        held, edit, shown = self.held.undoing()
        shown = shown or (self.limits.max_steps, "")
        self._take(held, edit.step)
        self._trainer.take_back(edit.step, *shown)
        return edit

    def memory(self) -> TimelineMemory:
        """Return all that an edit or an undo may change, for `put_back`."""
        return self.held, self._records, self._trainer.memory(), self._storing.memory()

    def put_back(self, memory: TimelineMemory) -> None:
        """Be as before the edits since `memory` was taken: they could not be stored."""
        self.held, self._records, trained, stored = memory
        self._trainer.put_back(trained)
        self._storing.put_back(stored)

    def other_machines(self) -> list[str]:
        """Return the fingerprints of other machines that computed steps of this run first."""
        return self._trainer.recorders.others(self.machine)

    def trail(self, step: int, most: int = 64) -> list[tuple[int, Array]]:
        """Return the parameters before some steps on the way to `step`, evenly if that is quick.

        Of a long run they are those of its checkpoints.
        """
        self._within_reach(step)
        checkpoints = self._trainer.checkpoints
        if step <= min(_SHORT_TRAIL, _QUICK_TRAIL * self._trainer.first_interval):
            stride = max(1, -(-step // most))
            return [(k, self._parameters_before(k)) for k in range(0, step, stride)]
        steps = [k for k in checkpoints.steps if k < step]
        kept = steps[:: -(-len(steps) // most)]
        return [(k, checkpoints[k].state[: self.network.parameter_count]) for k in kept]

    def history(self) -> dict[str, Any]:
        return self._trainer.history.to_json()

    def saving(self) -> Saved:
        """Return what has to be stored beside spec and edits; see `Storing.saving`."""
        return self._storing.saving()

    def note_stored(self, saved: Saved) -> None:
        """Take note that `saved` is in the store."""
        self._storing.note(saved)

    def check(self, step: int, phase: int) -> None:
        """Refuse a step or a phase that no run can have."""
        if phase >= self.phase_count:
            expected = f"a phase from 0 to {self.phase_count - 1}"
            raise Refused("out_of_range", "phase", phase, expected)
        if not 0 <= step <= self.limits.max_steps:
            allowed = f"a step from 0 to {self.limits.max_steps:,}"
            raise over("max_steps", allowed, "step", step, "out_of_range")

    def check_undo(self) -> None:
        """Refuse to take an edit back where there is none."""
        if not self.held.undo_stack:
            raise Refused("nothing_to_undo", None, None, "an edit to take back")

    def _within_reach(self, step: int) -> int:
        self.check(step, 0)
        if self.last_step is not None and step > self.last_step:
            expected = f"at most {self.last_step}, the last step whose numbers are all finite"
            raise Refused("diverged", "step", step, expected)
        return step

    def _parameters_before(self, step: int) -> Array:
        self._trainer.go_before(step)
        return self._run.parameters.copy()

    def _compute_record(self, step: int) -> StepRecord:
        exact = self._trainer.is_exact(step)
        self._trainer.go_before(step)
        self._within_reach(step)
        if step == self._trainer.fed:
            self._storing.stand_at_front()
        with np.errstate(all="ignore"):
            finite, loss = self._trainer.compute(is_edited=True)
            if not finite:
                self._within_reach(step)
            record = self._run.record(loss, exact)
        self._run.advance()
        return record

    def _take(self, held: Edits, step: int) -> None:
        """Let `held` hold, and forget what that may have changed: all from `step` on."""
        self.held = held
        self._records = OrderedDict((k, v) for k, v in self._records.items() if k < step)
        self._trainer.take(self.edits, step)
        self._storing.cut(step)


def _check_batch(sizes: Sequence[int], batch_size: int, data: Dataset, limits: Limits) -> None:
    """Refuse a batch that holds too many numbers, before room is made for them."""
    rows = min(batch_size, len(data.training_rows))
    if rows * sum(sizes) > limits.max_batch_numbers:
        most = limits.max_batch_numbers // sum(sizes)
        expected = (
            f"at most {limits.max_batch_numbers:,} numbers in a batch, rows times inputs and units:"
            f" {most:,} rows of this network"
        )
        raise over("max_batch_numbers", expected, "batch_size", batch_size)


def _most_records(size: int) -> int:
    """Return how many records of so many bytes are kept."""
    few = min(4, max(1, _LARGE_RECORD_BYTES // size))
    return min(max(few, _RECORD_BYTES // size), _MOST_RECORDS)


def _record_bytes(record: StepRecord) -> int:
    flat = record.parameters.nbytes * 3 + record.inputs.nbytes + record.targets.nbytes
    return flat + 3 * sum(part.nbytes for part in record.z)
