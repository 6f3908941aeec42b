"""A trial: the numbers a step would have with one parameter set to another value.

A pure function of the step's record: the run, its edits and its checkpoints never learn of it.
The same passes over the same batch in the run's own precision give, bit for bit, what an edit of
that parameter at that step would give.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from app.maths.network import Network
from app.maths.optimizers import OPTIMIZERS
from app.maths.passes import Passes, with_ones
from app.refusal import Refused
from app.timeline.edits import Edit
from app.timeline.run import StepRecord


def optimizer_at(first: str, edits: Iterable[Edit], step: int) -> str:
    """Return the optimizer's name at `step`: `first`, or what the last of `edits` there made it."""
    changed = [edit.optimizer for edit in edits if edit.optimizer and edit.step <= step]
    return changed[-1] if changed else first


def trial(
    record: StepRecord, network: Network, optimizer: str, name: str, value: float
) -> StepRecord:
    """Return `record` with parameter `name` at `value`, and all that follows from it.

    The held-out loss is not computed and so None. Refused `not_finite` where a number overflows.
    """
    parameters = record.parameters.copy()
    with np.errstate(all="ignore"):
        parameters[network.parameter_index(name)] = value
        passes = Passes(network, len(record.rows), parameters.dtype)
        loss = passes.step(parameters, with_ones(record.inputs), record.targets)
        found = replace(
            record,
            loss=loss,
            test_loss=None,
            parameters=parameters,
            gradient=passes.gradient,
            new_parameters=_updated(passes, parameters, optimizer, record.learning_rate),
            z=tuple(passes.z),
            a=tuple(passes.a),
            delta=tuple(passes.delta),
        )
    if not _is_finite(found):
        expected = f"a value with which step {record.step:,} stays finite"
        raise Refused("not_finite", "value", value, expected)
    return _read_only(found)


def _updated(passes: Passes, parameters: np.ndarray, optimizer: str, rate: float) -> np.ndarray:
    """Return the new parameters; no optimizer keeps a state so far, which a record would need."""
    new, state = np.empty_like(parameters), np.empty(0, parameters.dtype)
    rate_here = np.array(rate, parameters.dtype)
    OPTIMIZERS[optimizer].update(parameters, passes.gradient, state, rate_here, new)
    return new


def _is_finite(record: StepRecord) -> bool:
    """Tell it by the numbers that a run's own step is judged by; see Run.is_finite."""
    judged = (record.new_parameters, record.gradient, *record.z)
    return math.isfinite(record.loss) and all(np.isfinite(part).all() for part in judged)


def _read_only(record: StepRecord) -> StepRecord:
    flat = (record.parameters, record.gradient, record.new_parameters)
    for part in (*flat, *record.z, *record.a, *record.delta):
        part.setflags(write=False)
    return record
