"""The engine of one run: from the state before a step to the state after it, over and over.

The state is one vector: the parameters, then the optimizer's own numbers. Training writes into
buffers made once; only `record` copies, for a step that somebody looks at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.data.batches import Batches
from app.data.datasets import Dataset
from app.maths.initializers import INITIALIZERS
from app.maths.network import Network
from app.maths.optimizers import OPTIMIZERS
from app.maths.passes import Passes, with_ones
from app.timeline.edits import Edit
from app.timeline.spec import Spec

Array = NDArray[Any]
_WEIGHT_STREAM = 0
_HELD_OUT_ROWS = 512  # held-out rows are passed forward in blocks of this many


@dataclass(frozen=True)
class StepRecord:
    """All numbers of one step, read-only; see passes.py for shapes and meaning.

    `rows` are the data set's row numbers in this batch; `test_loss` is the held-out loss before
    the update, None without held-out rows. `exact` is False where another kind of machine computed
    the step first, so that the last digits may not be those that were shown then.
    """

    step: int
    epoch: int
    rows: Array
    learning_rate: float
    loss: float
    test_loss: float | None
    parameters: Array
    gradient: Array
    new_parameters: Array
    inputs: Array
    targets: Array
    z: tuple[Array, ...]
    a: tuple[Array, ...]
    delta: tuple[Array, ...]
    exact: bool = True


class Run:
    """The state before step `step`, and the settings that hold there."""

    def __init__(self, spec: Spec, network: Network, dataset: Dataset) -> None:
        self.spec, self.network, self.dataset = spec, network, dataset
        self.dtype = np.dtype(spec.precision)
        self.batches = Batches(dataset.training_rows, spec.batch_size, spec.shuffle, spec.seed)
        self._passes = Passes(network, self.batches.batch_size, self.dtype)
        self._inputs = with_ones(dataset.inputs.astype(self.dtype))
        self._targets = dataset.targets.astype(self.dtype)
        self._test_passes: Passes | None = None
        self._ordered: tuple[int, Array, Array] | None = None
        self.step = 0
        self.learning_rate, self.optimizer = spec.learning_rate, spec.optimizer["name"]
        self._new = np.empty(network.parameter_count, self.dtype)
        self.parameters = np.empty_like(self._new)
        self.set_state(0, self.initial_state())

    @cached_property
    def kept_bytes(self) -> int:
        """Return the memory that its rows, an epoch's order of them, and its buffers take."""
        rows = 2 * (self._inputs.nbytes + self._targets.nbytes)
        buffers = 4 * self.batches.batch_size * sum(self.network.sizes) + 3 * len(self.parameters)
        return rows + buffers * self.dtype.itemsize

    @property
    def learning_rate(self) -> float:
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        with np.errstate(over="ignore"):  # one beyond float32 leaves a step that is not finite
            self._learning_rate, self._rate = value, np.array(value, self.dtype)

    def initial_state(self) -> Array:
        parameters = np.zeros(self.network.parameter_count, self.dtype)
        given, seed = self.spec.initial, self.spec.seed
        rng = np.random.default_rng((seed, _WEIGHT_STREAM))
        for layer in range(1, self.network.layer_count + 1):
            weights = self.network.weights(parameters, layer)
            if "scheme" in given:
                weights[:] = INITIALIZERS[given["scheme"]](rng, weights.shape)
            else:
                weights[:] = given["weights"][layer - 1]
                self.network.biases(parameters, layer)[:] = given["biases"][layer - 1]
        size = OPTIMIZERS[self.optimizer].state_size(self.network.parameter_count)
        return np.concatenate([parameters, np.zeros(size, self.dtype)])

    def state(self) -> Array:
        return np.concatenate([self.parameters, self.optimizer_state])

    def set_state(self, step: int, state: Array) -> None:
        """Stand before `step` with a state that `state()` gave there."""
        count = self.network.parameter_count
        self.step = step
        self.parameters[:] = state[:count]
        self.optimizer_state = state[count:].copy()

    def apply(self, edit: Edit) -> None:
        """Let `edit` hold from the step that the run stands before."""
        if edit.learning_rate is not None:
            self.learning_rate = edit.learning_rate
        elif edit.parameter is not None:
            self.parameters[self.network.parameter_index(edit.parameter)] = edit.value
        elif edit.optimizer is not None:
            self.optimizer = edit.optimizer
            size = OPTIMIZERS[edit.optimizer].state_size(self.network.parameter_count)
            self.optimizer_state = np.zeros(size, self.dtype)

    def compute(self) -> float:
        """Run this step's passes and its update, keeping the old parameters; return the loss.

        `is_finite` tells whether it came out well; `advance` then takes the new parameters.
        """
        inputs, targets = self._batch()
        loss = self._passes.step(self.parameters, inputs, targets)
        OPTIMIZERS[self.optimizer].update(
            self.parameters,
            self._passes.gradient,
            self.optimizer_state,
            self._rate,
            self._new,
        )
        return loss

    def is_finite(self, loss: float) -> bool:
        """Tell whether every number of the computed step is finite, the new parameters included.

        A dot product with itself is finite only where every number is; it may also overflow for
        numbers near 1e154, so only then are they looked at one by one. Activations of finite z are
        finite, and a delta that is not leaves a gradient that is not.
        """
        if not math.isfinite(loss):
            return False
        return all(map(_all_finite, (self._new, self._passes.gradient, *self._passes.z)))

    def advance(self) -> None:
        """Take the update: the run stands before the next step."""
        self.parameters, self._new = self._new, self.parameters
        self.step += 1

    def batch_size_here(self) -> int:
        return len(self._batch()[0])

    def batch_rows(self) -> Array:
        return self.batches.rows_of(self.step)

    def record(self, loss: float, exact: bool = True) -> StepRecord:
        """Copy the step just computed; `exact` as in StepRecord."""
        rows, passes = self.batch_rows(), self._passes
        inputs, targets = self._batch()
        return StepRecord(
            step=self.step,
            epoch=self.step // self.batches.steps_per_epoch,
            rows=_frozen(rows),
            learning_rate=self.learning_rate,
            loss=loss,
            test_loss=self.test_loss(),
            parameters=_frozen(self.parameters),
            gradient=_frozen(passes.gradient),
            new_parameters=_frozen(self._new),
            inputs=_frozen(inputs[:, :-1]),
            targets=_frozen(targets),
            z=tuple(map(_frozen, passes.z)),
            a=tuple(map(_frozen, passes.a)),
            delta=tuple(map(_frozen, passes.delta)),
            exact=exact,
        )

    def test_loss(self) -> float | None:
        """Return the mean loss over the held-out rows with the current parameters, if finite."""
        rows = self.dataset.held_out_rows
        if not len(rows):
            return None
        if self._test_passes is None:
            self._test_passes = Passes(self.network, min(_HELD_OUT_ROWS, len(rows)), self.dtype)
        total = 0.0
        for start in range(0, len(rows), _HELD_OUT_ROWS):
            part = rows[start : start + _HELD_OUT_ROWS]
            loss = self._test_passes.loss(self.parameters, self._inputs[part], self._targets[part])
            total += loss * len(part)
        mean = total / len(rows)
        return mean if math.isfinite(mean) else None

    def _batch(self) -> tuple[Array, Array]:
        """Return views of this step's inputs (`with_ones`) and targets, ordered once an epoch."""
        epoch, within = divmod(self.step, self.batches.steps_per_epoch)
        if self._ordered is None or self._ordered[0] != epoch:
            order = self.batches.order(epoch)
            self._ordered = (epoch, self._inputs[order], self._targets[order])
        start = within * self.batches.batch_size
        stop = start + self.batches.batch_size
        return self._ordered[1][start:stop], self._ordered[2][start:stop]


def _all_finite(array: Array) -> bool:
    flat = array.ravel("K")
    return math.isfinite(np.dot(flat, flat)) or bool(np.isfinite(flat).all())


def _frozen(array: Array) -> Array:
    copy = array.copy()
    copy.setflags(write=False)
    return copy
