"""The list of edits: what may stand in it, and that undo leads back the whole way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.limits import DEFAULT_LIMITS
from app.timeline.edit_list import Edits
from app.timeline.edits import Edit

MOST = DEFAULT_LIMITS.max_undos
SHOWN = (7, "here")
STEPS = st.integers(0, 6)
EDITS = st.one_of(
    st.builds(
        lambda step, rate: Edit(step, learning_rate=rate), STEPS, st.sampled_from([0.1, 1.0])
    ),
    st.builds(
        lambda step, name, value: Edit(step, parameter=name, value=value),
        STEPS,
        st.sampled_from(["w1.1.1", "b1.1"]),
        st.sampled_from([0.0, 2.0]),
    ),
    st.builds(lambda step: Edit(step, optimizer="sgd"), STEPS),
)


@settings(deadline=None)
@given(st.lists(EDITS, max_size=12))
def test_undo_leads_back_through_every_list_there_was(wanted: list[Edit]) -> None:
    lists = [Edits()]
    for edit in wanted:
        held, dropped = lists[-1].adding(edit, SHOWN, MOST)
        assert held.in_force[-1] == edit
        assert {*lists[-1].in_force} - {*held.in_force} >= {*dropped}
        assert all(old.step > edit.step for old in dropped)
        places = [(one.step, one.subject) for one in held.in_force]
        assert len(set(places)) == len(places)
        assert [step for step, _ in places] == sorted(step for step, _ in places)
        lists.append(held)
    held = lists.pop()
    for before, edit in zip(reversed(lists), reversed(wanted), strict=True):
        held, undone, shown = held.undoing()
        assert (undone, shown) == (edit, SHOWN)
        assert {*held.in_force} == {*before.in_force}
        assert held.undo_stack == before.undo_stack
        assert held == Edits.from_json([one.to_json() for one in held.in_force], held.undo_stack)


def test_undo_goes_back_so_far_and_no_further() -> None:
    held = Edits()
    for k in range(MOST + 5):
        held, _ = held.adding(Edit(k, learning_rate=0.5), SHOWN, MOST)
    assert len(held.undo_stack) == MOST
    for _ in range(MOST):
        held, *_ = held.undoing()
    assert [edit.step for edit in held.in_force] == list(range(5))
    assert not held.undo_stack
