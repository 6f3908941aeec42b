"""Laws of the timeline, against a model that recomputes everything from step 0 the plain way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.refusal import Refused
from app.timeline import storing, trainer
from app.timeline.edits import Edit, parse_change
from app.timeline.phases import Cursor, move
from app.timeline.recorders import ANEW, Recorders
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from tests.nets import SMALL
from tests.shelf import Shelf

RNG = np.random.default_rng(5)
SPEC: dict[str, Any] = {
    "dataset": {
        "inputs": RNG.normal(size=(7, 2)).tolist(),
        "targets": RNG.normal(size=(7, 3)).tolist(),
        "test_fraction": 0.3,
    },
    "layers": [{"units": 4, "activation": "tanh"}, {"units": 3, "activation": "identity"}],
    "batch_size": 2,
    "learning_rate": 0.1,
}


class PlainModel:
    """Parameters before each step, from step 0 on, with fresh arrays and no checkpoints."""

    def __init__(self, timeline: Timeline) -> None:
        self.network, self.timeline = timeline.network, timeline
        self.data = timeline.dataset

    def parameters(self, step: int, edits: list[Edit]) -> np.ndarray:
        p = self.timeline.record(0).parameters.copy()
        first = [edit for edit in self.timeline.edits if edit.step == 0 and edit.parameter]
        assert not first, "the model starts from unedited initial values"
        rate = SPEC["learning_rate"]
        for t in range(step + 1):
            for edit in edits:
                if edit.step == t and edit.learning_rate is not None:
                    rate = edit.learning_rate
                elif edit.step == t and edit.parameter is not None:
                    p[self.network.parameter_index(edit.parameter)] = edit.value
            if t < step:
                p = p - rate * self._gradient(p, self.timeline._run.batches.rows_of(t))
        return p

    def _gradient(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        w1, b1, w2, b2 = p[:8].reshape(2, 4), p[8:12], p[12:24].reshape(4, 3), p[24:]
        x, y = self.data.inputs[rows], self.data.targets[rows]
        h = np.tanh(x @ w1 + b1)
        d2 = (h @ w2 + b2 - y) / len(rows)
        d1 = (d2 @ w2.T) * (1 - h**2)
        parts = (x.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0))
        return np.concatenate([part.ravel() for part in parts])


def _bytes(timeline: Timeline, step: int) -> bytes:
    record = timeline.record(step)
    arrays = (record.parameters, record.gradient, record.new_parameters, *record.z, *record.delta)
    return b"".join(array.tobytes() for array in arrays)


moves = st.tuples(
    st.sampled_from(["phase", "step", "epoch"]), st.integers(-30, 30).filter(lambda by: by != 0)
)
edits = st.one_of(
    st.floats(1e-3, 0.3).map(lambda rate: {"learning_rate": rate}),
    st.tuples(st.sampled_from(["w1.2.3", "b2.1", "w2.4.2"]), st.floats(-1, 1)).map(
        lambda pair: {"parameter": pair[0], "value": pair[1]}
    ),
)
commands = st.one_of(
    moves.map(lambda m: ("move", m)),
    edits.map(lambda e: ("change", e)),
    st.just(("undo", None)),
    st.just(("reopen", None)),
    st.integers(0, 60).map(lambda step: ("seek", step)),
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 200), st.integers(1, 120))
def test_forward_and_back_again_gives_the_same_bytes(start: int, by: int) -> None:
    timeline = Timeline(parse_spec(SPEC))
    here = Cursor(*divmod(start, timeline.phase_count))
    before = _bytes(timeline, here.step)
    there = move(here, "phase", by, timeline.phase_count, timeline.steps_per_epoch)
    _bytes(timeline, there.step)
    timeline._records.clear()
    back = move(there, "phase", -by, timeline.phase_count, timeline.steps_per_epoch)
    assert back == here
    assert _bytes(timeline, back.step) == before


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3000))
def test_seeking_equals_playing(step: int) -> None:
    played, sought = Timeline(parse_spec(SPEC)), Timeline(parse_spec(SPEC))
    for t in range(step % 50):
        played.record(t)
    while played.advance(step, 37):
        pass
    assert _bytes(sought, step) == _bytes(played, step)
    assert sought.history() == played.history()


@settings(max_examples=60, deadline=None)
@given(st.lists(commands, max_size=14))
def test_any_interleaving_of_commands_equals_the_simple_model(script: list[Any]) -> None:
    timeline, shelf = Timeline(parse_spec(SPEC)), Shelf()
    model, cursor = PlainModel(Timeline(parse_spec(SPEC))), Cursor(0, 0)
    in_force: list[Edit] = []
    undo: list[list[Edit]] = []
    for kind, argument in script:
        if kind == "move":
            cursor = move(cursor, *argument, timeline.phase_count, timeline.steps_per_epoch)
        elif kind == "seek":
            cursor = Cursor(argument, 3)
        elif kind == "change":
            step = cursor.step + (cursor.phase == timeline.phase_count - 1)
            edit = Edit(step, **argument)
            undo.append(in_force)
            dropped = timeline.change(edit)
            assert set(dropped) == {old for old in in_force if old.step > step}
            in_force = [
                old
                for old in in_force
                if old.step < step or (old.step == step and old.subject != edit.subject)
            ] + [edit]
        elif kind == "undo" and undo:
            timeline.undo()
            in_force = undo.pop()
        elif kind == "undo":
            with pytest.raises(Refused):
                timeline.undo()
        else:
            kept = [edit.to_json() for edit in timeline.edits]
            saved = shelf.take(timeline)
            timeline = Timeline(timeline.spec, kept, timeline.held.undo_stack, saved)
        assert set(timeline.edits) == set(in_force)
        expected = model.parameters(cursor.step, in_force)
        found = timeline.record(cursor.step).parameters
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        fresh = Timeline(timeline.spec, [edit.to_json() for edit in timeline.edits])
        assert _bytes(fresh, cursor.step) == _bytes(timeline, cursor.step)


def test_history_is_what_a_plain_loop_gives_whatever_was_edited() -> None:
    timeline = Timeline(parse_spec(SPEC))
    timeline.record(5000)
    timeline.change(Edit(3001, learning_rate=0.02))
    timeline.record(4200)
    fresh = Timeline(parse_spec(SPEC), [{"step": 3001, "learning_rate": 0.02}])
    losses = [fresh.record(t).loss for t in range(4201)]
    history = timeline.history()
    assert len(history["steps"]) <= 2000
    width = history["steps"][1]
    for k, start in enumerate(history["steps"]):
        assert history["loss_min"][k] == min(losses[start : start + width])
        assert history["loss_max"][k] == max(losses[start : start + width])
    per_epoch, epoch = timeline.steps_per_epoch, history["epochs"][100]
    at = epoch["epoch"] * per_epoch
    sizes = [len(fresh.record(t).rows) for t in range(at, at + per_epoch)]
    mean = np.average(losses[at : at + per_epoch], weights=sizes)
    assert epoch["train"] == pytest.approx(mean, rel=1e-12)
    assert epoch["test"] == fresh.record(at).test_loss


@pytest.mark.parametrize("step", range(1024, 1030))  # where it keeps a checkpoint, and later
def test_an_epoch_that_an_edit_cuts_is_told_as_far_as_it_is_computed_again(step: int) -> None:
    timeline, edit = Timeline(parse_spec(SPEC)), {"step": step, "learning_rate": 0.02}
    timeline.record(1100)
    timeline.change(parse_change({"learning_rate": 0.02}, step))
    fresh = Timeline(parse_spec(SPEC), [edit])
    for further in range(2 * timeline.steps_per_epoch):
        for one in (timeline, fresh):
            one.record(step + further)
        assert timeline.history() == fresh.history()


def test_divergence_stops_at_the_last_finite_step_and_an_edit_takes_it_back() -> None:
    timeline = Timeline(parse_spec({**SPEC, "learning_rate": 3.0}))
    with pytest.raises(Refused, match="finite"):
        timeline.record(100_000)
    last = timeline.last_step
    assert last is not None
    record = timeline.record(last)
    for array in (record.parameters, record.gradient, record.new_parameters, *record.z):
        assert np.isfinite(array).all()
    assert timeline.advance(100_000 if last > 100_000 else last, 10) == 0
    timeline.change(Edit(0, learning_rate=0.01))
    assert timeline.last_step is None
    assert np.isfinite(timeline.record(last + 5).new_parameters).all()


def test_an_edit_that_overflows_its_own_step_is_refused_and_changes_nothing() -> None:
    timeline = Timeline(parse_spec(SPEC))
    before, history = _bytes(timeline, 40), timeline.history()
    with pytest.raises(Refused, match="stays finite"):
        timeline.change(Edit(20, parameter="w2.1.1", value=1e308))
    assert timeline.edits == ()
    assert timeline.held.undo_stack == ()
    assert (_bytes(timeline, 40), timeline.history()) == (before, history)


def test_a_learning_rate_beyond_float32_is_refused_without_a_warning() -> None:
    spec = parse_spec({**SPEC, "precision": "float32", "learning_rate": 1e300})
    with pytest.raises(Refused, match="whose first step stays finite"):
        Timeline(spec)


def test_an_early_edit_of_a_long_run_leaves_a_fine_history() -> None:
    timeline = Timeline(parse_spec(SPEC))
    before = timeline.record(40).parameters.copy()
    timeline.record(9_000)
    assert len(timeline.history()["steps"]) < 2_000
    timeline.change(Edit(100, learning_rate=0.05))
    timeline.record(100)
    assert timeline.history()["steps"] == list(range(101))
    assert timeline.record(40).parameters.tobytes() == before.tobytes()


def test_settings_are_those_of_the_edits_wherever_one_comes_from() -> None:
    edits = [{"step": 5, "learning_rate": 0.03}, {"step": 2_100, "learning_rate": 0.07}]
    jumped, plain = Timeline(parse_spec(SPEC), edits), Timeline(parse_spec(SPEC), edits)
    jumped.record(6_000)
    for step in range(2_600):
        plain.record(step)
    for step in (2_500, 1_500, 2_099, 2_100):
        record, expected = jumped.record(step), plain.record(step)
        assert record.learning_rate == expected.learning_rate
        assert record.new_parameters.tobytes() == expected.new_parameters.tobytes()


def test_searches_that_take_turns_go_on_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """One far ahead, two behind it: no step is computed twice but from a checkpoint to its reader."""
    monkeypatch.setattr(trainer, "first_interval", lambda *_: 1_000)
    run = Timeline(parse_spec(SMALL))
    run.advance(4_000, 4_000)
    run.take_computed()
    goals = {6_000: 2_000, 1_900: 900, 2_950: 950}
    left = dict.fromkeys(goals, 1)
    while any(left.values()):
        for goal in goals:
            left[goal] = run.advance(goal, 10)
    assert run.take_computed() == sum(goals.values())
    fresh = Timeline(parse_spec(SMALL))
    for goal in goals:
        assert run.record(goal).parameters.tobytes() == fresh.record(goal).parameters.tobytes()


def test_a_mark_behind_an_edit_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "first_interval", lambda *_: 1_000)
    run = Timeline(parse_spec(SMALL))
    for goal in (500, 300, 500, 300):
        run.advance(goal, 10_000)
    edit = parse_change({"learning_rate": 0.01}, 200)
    run.change(edit)
    fresh = Timeline(parse_spec(SMALL), [edit.to_json()])
    for step in (505, 310, 200):
        assert run.record(step).parameters.tobytes() == fresh.record(step).parameters.tobytes()


@pytest.fixture
def three_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a large network: checkpoints are stored three at a time."""
    monkeypatch.setattr(trainer, "first_interval", lambda *_: 4)
    monkeypatch.setattr(storing, "AT_ONCE", 0)


@pytest.mark.parametrize("edited_at", [31, 43, 44])
def test_a_run_that_is_stored_in_parts_is_whole_after_each(
    three_at_once: None, edited_at: int
) -> None:
    """After an undo the store holds, at the same steps, states that are no more.

    Those at 43 and 44 are no part of a history, which could not be cut back to amid an epoch.
    """
    run, shelf, fresh = Timeline(parse_spec(SMALL)), Shelf(), Timeline(parse_spec(SMALL))
    run.change(Edit(5, learning_rate=0.01))
    run.record(43)
    while not shelf.take(run).complete:
        pass
    run.undo()
    run.record(43)
    parts, complete = 0, False
    while not complete:
        saved = shelf.take(run)
        parts, complete = parts + 1, saved.complete
        assert {43, 44} <= saved.steps
        restored = Timeline(run.spec, saved=saved)
        assert [_bytes(restored, step) for step in (0, 6, 23, 43, 60)] == [
            _bytes(fresh, step) for step in (0, 6, 23, 43, 60)
        ]
        restored = Timeline(run.spec, saved=saved)
        restored.change(Edit(edited_at, learning_rate=0.02))
        edited = Timeline(run.spec, [edit.to_json() for edit in restored.edits])
        assert _bytes(restored, 45) == _bytes(edited, 45)
        assert restored.history() == edited.history()
    assert parts > 2


def test_what_is_stored_in_parts_is_written_once(three_at_once: None) -> None:
    run, written = Timeline(parse_spec(SMALL)), list[int]()
    run.record(40)
    saved = run.saving()
    while saved.checkpoints:
        written += [kept.step for kept in saved.checkpoints]
        run.note_stored(saved)
        saved = run.saving()
    assert sorted(written) == [*range(0, 41, 4), 41]
    assert written[:3] == [0, 41, 40]
    assert saved.complete


def test_the_time_to_a_step_counts_held_out_rows() -> None:
    rows = {"inputs": [[k / 10_000] for k in range(10_000)], "targets": [[0.5]] * 10_000}
    spec = {"layers": [{"units": 200}, {"units": 1, "activation": "identity"}], "batch_size": 2}
    few = Timeline(parse_spec({**spec, "dataset": {**rows, "test_fraction": 0.0}}))
    many = Timeline(parse_spec({**spec, "dataset": {**rows, "test_fraction": 0.9}}))
    assert many.seconds_to(3) > 100 * few.seconds_to(3) > 0


def test_no_replay_of_what_another_machine_computed_is_called_exact() -> None:
    """Not even one that ends in the bytes that are stored behind it: on the way it may differ."""
    timeline = Timeline(parse_spec(SPEC))
    timeline.record(3_000)
    saved = timeline.saving()
    assert len(saved.checkpoints) > 3
    elsewhere = replace(
        saved,
        recorders=[[0, "elsewhere"]],
        checkpoints=tuple(replace(kept, machine="elsewhere") for kept in saved.checkpoints),
    )
    again = Timeline(parse_spec(SPEC), saved=elsewhere, shown=(3_000, "elsewhere"))
    assert again.other_machines() == ["elsewhere"]
    for step in (0, 37, 1_500, 3_000):
        assert again.record(step).parameters.tobytes() == timeline.record(step).parameters.tobytes()
        assert not again.record(step).exact
        assert timeline.record(step).exact
    assert again.record(3_001).exact


def test_who_stands_at_the_last_step_goes_on_from_the_stored_bytes_and_not_from_a_replay() -> None:
    timeline = Timeline(parse_spec(SPEC))
    timeline.record(3_000)
    saved = timeline.saving()
    end = next(kept for kept in saved.checkpoints if kept.step == 3_001)
    others = replace(end, state=np.nextafter(end.state, 2.0), machine="elsewhere")
    kept = tuple(others if each is end else each for each in saved.checkpoints)
    elsewhere = replace(saved, recorders=[[0, "elsewhere"]], checkpoints=kept)
    again = Timeline(parse_spec(SPEC), saved=elsewhere, shown=(3_000, "elsewhere"))
    again.record(3_000)
    count = again.network.parameter_count
    assert again.record(3_001).parameters.tobytes() == others.state[:count].tobytes()


def test_an_edit_after_looking_back_lets_the_history_go_on() -> None:
    """A state kept from before the edit lies beyond what is left of the history."""
    timeline = Timeline(parse_spec({"batch_size": 1, "seed": 7}))
    for step in (2_400, 2_350, 2_200, 2_400):
        timeline.record(step)
    timeline.change(parse_change({"learning_rate": 0.06}, 2_400))
    timeline.record(5_000)
    assert timeline.furthest == 5_000
    assert timeline._trainer.checkpoints.steps[-1] > 4_000
    fresh = Timeline(
        parse_spec({"batch_size": 1, "seed": 7}), [edit.to_json() for edit in timeline.edits]
    )
    assert timeline.record(5_000).parameters.tobytes() == fresh.record(5_000).parameters.tobytes()


@pytest.mark.parametrize("step", [0, 3, 400, 2_401])
def test_an_edit_that_is_put_back_leaves_all_as_it_was(step: int) -> None:
    timeline = Timeline(parse_spec(SPEC))
    for far in (900, 2_400, 1_000):
        timeline.record(far)
    timeline.change(parse_change({"learning_rate": 0.06}, 2_000))
    timeline.record(2_400)
    before = timeline.history(), timeline.held, timeline.shown, timeline._trainer.checkpoints.steps
    wanted = {at: timeline.record(at).parameters.tobytes() for at in (0, 400, 1_999, 2_400)}
    memory = timeline.memory()
    timeline.change(parse_change({"parameter": "w1.1.1", "value": 0.3}, step))
    timeline.record(step + 50)
    timeline.undo()
    timeline.record(step + 10)
    timeline.put_back(memory)
    after = timeline.history(), timeline.held, timeline.shown, timeline._trainer.checkpoints.steps
    assert after == before
    assert {at: timeline.record(at).parameters.tobytes() for at in wanted} == wanted
    assert all(timeline.record(at).exact for at in wanted)
    fresh = Timeline(parse_spec(SPEC), [edit.to_json() for edit in timeline.edits])
    assert timeline.record(3_000).parameters.tobytes() == fresh.record(3_000).parameters.tobytes()
    timeline.undo()
    assert timeline.edits == ()


def test_how_far_a_run_was_shown_outlives_a_kill_and_comes_back_with_an_undo() -> None:
    machine = Timeline(parse_spec(SPEC)).machine
    timeline = Timeline(parse_spec(SPEC), shown=(50, machine))
    timeline.change(parse_change({"learning_rate": 0.06}, 3))
    assert timeline.shown == (2, machine)
    stored = json.loads(json.dumps(timeline.held.undo_stack))
    edits = [edit.to_json() for edit in timeline.edits]
    saved = replace(timeline.saving(), recorders=[[0, "elsewhere"]])
    again = Timeline(parse_spec(SPEC), edits, stored, saved, shown=(2, "elsewhere"))
    again.undo()
    assert again.shown == (50, machine)
    assert [again.record(step).exact for step in (2, 3, 50, 51)] == [False, False, False, True]


def test_digits_of_a_machine_in_between_are_gone_with_a_cut() -> None:
    found = Recorders("here")
    found.note(100, "there")
    found.note(200, "here")
    found.cut(50, 250, "here")
    assert found.at(49) == "here"
    assert found.at(150) == found.at(249) == ANEW
    assert found.at(250) == "here"


def test_a_cut_where_a_machine_took_over_leaves_its_steps_its_own() -> None:
    found = Recorders("there")
    found.note(12, "here")
    found.cut(12, 14, "here")
    assert [found.at(step) for step in (11, 12, 13, 14)] == ["there", "here", "here", "here"]


def test_steps_computed_anew_are_not_forgotten_with_a_fresh_start() -> None:
    found = Recorders("here")
    assert found.of_all() == "here"
    found.note(100, "there")
    found.cut(50, 120, "here")
    assert (found.others("here"), found.of_all()) == ([], "")
