"""A trial is, bit for bit, what the same step becomes after a real edit, and leaves no trace."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from app.maths.optimizers import OPTIMIZERS
from app.refusal import Refused
from app.timeline.edits import Edit
from app.timeline.phases import Cursor
from app.timeline.run import StepRecord
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.timeline.trial import optimizer_at, trial
from app.wire.frames import View, encode_frame
from tests.nets import SHAPES

VIEW = View(revision=3, cursor=Cursor(5, 2), example=1, furthest=5)
STEP = 5


def _spec(sizes: tuple[int, ...], precision: str, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(sizes)
    rows = {"inputs": rng.normal(size=(7, sizes[0])), "targets": rng.uniform(size=(7, sizes[-1]))}
    hidden = [{"units": units, "activation": "tanh"} for units in sizes[1:-1]]
    return {
        "dataset": {name: table.tolist() for name, table in rows.items()},
        "layers": [*hidden, {"units": sizes[-1], "activation": "sigmoid"}],
        "batch_size": 3,
        "precision": precision,
        **more,
    }


def _bits(record: StepRecord) -> dict[str, Any]:
    """Every number of a record as bytes, by name."""

    def bits(value: Any) -> Any:
        if isinstance(value, tuple):
            return [bits(part) for part in value]
        return value.tobytes() if isinstance(value, np.ndarray) else value

    return {field.name: bits(getattr(record, field.name)) for field in fields(record)}


def _tried(timeline: Timeline, name: str, value: float, step: int = STEP) -> StepRecord:
    optimizer = optimizer_at(timeline.spec.optimizer["name"], timeline.edits, step)
    return trial(timeline.record(step), timeline.network, optimizer, name, value)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [*SHAPES, (40, 90, 10)], ids=str)
def test_a_trial_is_the_step_after_a_real_edit(
    sizes: tuple[int, ...], precision: str, optimizer: str
) -> None:
    spec = parse_spec(_spec(sizes, precision, optimizer={"name": optimizer}))
    run = Timeline(spec)
    run.change(Edit(2, learning_rate=0.3))
    before = _bits(run.record(STEP))
    picked = np.random.default_rng(1).integers(0, run.network.parameter_count, 6)
    last_weight, last_bias = run.network.slots[-2].offset, run.network.slots[-1].offset
    for k, index in enumerate([*picked, last_weight, last_bias]):
        name = run.network.parameter_name(int(index))
        edited = Timeline(spec)
        edited.change(Edit(2, learning_rate=0.3))
        edited.change(Edit(STEP, parameter=name, value=k - 2.7))
        tried, real = _tried(run, name, k - 2.7), edited.record(STEP)
        assert _bits(tried) == _bits(real)
        frames = [encode_frame(record, run.dataset, VIEW) for record in (tried, real)]
        assert frames[0] == frames[1]
        assert frames[0] != encode_frame(run.record(STEP), run.dataset, VIEW)
    assert _bits(run.record(STEP)) == before
    assert _bits(Timeline(spec, [edit.to_json() for edit in run.edits]).record(STEP)) == before


def test_a_trial_with_the_runs_own_value_is_the_runs_own_step() -> None:
    run = Timeline(parse_spec(_spec((3, 4, 2), "float32")))
    record = run.record(STEP)
    value = float(record.parameters[run.network.parameter_index("w2.3.1")])
    assert _bits(_tried(run, "w2.3.1", value)) == _bits(record)


def test_a_bias_that_is_not_trained_can_be_tried_and_is_not_updated() -> None:
    run = Timeline(parse_spec(_spec((3, 4, 2), "float64", train_biases=False)))
    tried, index = _tried(run, "b1.2", 0.75), run.network.parameter_index("b1.2")
    assert (tried.parameters[index], tried.new_parameters[index]) == (0.75, 0.75)
    assert tried.loss != run.record(STEP).loss


def test_the_held_out_loss_is_not_computed() -> None:
    run = Timeline(parse_spec({}))
    assert run.record(STEP).test_loss is not None
    assert _tried(run, "w1.1.1", 0.5).test_loss is None


def test_what_a_trial_gives_is_read_only() -> None:
    tried = _tried(Timeline(parse_spec(_spec((3, 4, 2), "float64"))), "w1.1.1", 0.5)
    for part in (tried.parameters, tried.gradient, tried.new_parameters, *tried.z, *tried.a):
        assert not part.flags.writeable


@pytest.mark.parametrize(
    ("precision", "value"), [("float64", 1e200), ("float64", -1e308), ("float32", 1e39)]
)
def test_a_value_with_which_the_step_overflows_is_refused(precision: str, value: float) -> None:
    data = {"inputs": [[3.0]], "targets": [[1.0]]}
    layers = [{"units": 1, "activation": "identity"}, {"units": 1, "activation": "identity"}]
    run = Timeline(parse_spec({"dataset": data, "layers": layers, "precision": precision}))
    with pytest.raises(Refused, match="a value with which step 5 stays finite") as refused:
        _tried(run, "w1.1.1", value)
    assert (refused.value.code, refused.value.field) == ("not_finite", "value")
    assert refused.value.value == value


def test_an_overflow_of_the_update_alone_is_refused_too() -> None:
    data = {"inputs": [[1e60]], "targets": [[0.0]]}
    layers = [{"units": 1, "activation": "identity"}]
    initial = {"weights": [[[0.0]]], "biases": [[0.0]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "learning_rate": 1e200}
    run = Timeline(parse_spec(spec))
    with pytest.raises(Refused, match="stays finite"):
        _tried(run, "w1.1.1", 1.0, step=0)


def test_the_optimizer_is_the_one_that_holds_at_the_step() -> None:
    edits = [Edit(3, optimizer="b"), Edit(4, learning_rate=0.1), Edit(6, optimizer="c")]
    assert [optimizer_at("a", edits, step) for step in (2, 3, 5, 6)] == ["a", "b", "b", "c"]
