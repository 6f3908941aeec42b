"""The JavaScript core's own tests, in the browser: modules of the page, imported by the page."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import pytest
from playwright.sync_api import Page

from app.limits import setting_of
from app.sessions.store import Damaged
from app.web.door import ORIGINS_SETTING
from bench.load import wait_before
from tests.contract.make_frame import EXPECTED, FILE, LAYOUT

DECODE = """async ([bytes, layout]) => {
  const { decodeFrame } = await import('/static/js/core/protocol.js');
  const frame = decodeFrame(new Uint8Array(bytes).buffer, layout);
  return Object.fromEntries(Object.entries(frame).map(([k, v]) => [k, v?.length === undefined ? v : [...v]]));
}"""
REFUSE = """async ([bytes, layout]) => {
  const { decodeFrame } = await import('/static/js/core/protocol.js');
  try { decodeFrame(new Uint8Array(bytes).buffer, layout); return ''; } catch (e) { return e.message; }
}"""
FORMAT = """async ([name, args]) => (await import('/static/js/core/format.js'))[name](...args)"""
PLAN = """async ([sizes, width]) => {
  const { planDiagram, overlaps, PILL } = await import('/static/js/core/geometry.js');
  const plan = planDiagram(sizes, { width });
  const labels = plan.edges.filter((e) => e.label).map((e) => ({ ...e.label, name: e.name, edge: e }));
  const off = labels.filter((l) => Math.abs((l.x - l.edge.x1) * l.edge.dy - (l.y - l.edge.y1) * l.edge.dx) > 1e-6);
  const units = plan.units.map((u) => ({ x: u.x, y: u.y, width: 2 * plan.radius, height: 2 * plan.radius }));
  const names = plan.above ? plan.units.filter((u) => !u.layer).map((u) => ({ x: u.x - plan.radius - 10 + plan.names / 2,
    y: u.y - plan.radius - 17, width: plan.names, height: 26 })) : [];
  const tags = plan.units.filter((u) => u.layer).map((u) => ({ x: u.x, y: u.y + plan.radius + 15, width: plan.tag, height: 22 }));
  const clash = labels.flatMap((a, k) => [...labels.slice(k + 1), ...units, ...tags, ...plan.biases, ...names]
    .filter((b) => overlaps(a, b)).map((b) => a.name));
  return { edges: plan.edges.length, labels: labels.length, width: plan.width, off: off.length, clash };
}"""
REVEALED = """async (phase) => {
  const { revealed } = await import('/static/js/core/network.js');
  const layout = { sizes: [2, 4, 3, 2], phases: ['input', 'forward', 'forward', 'forward', 'error',
    'backward', 'backward', 'backward', 'update'].map((kind) => ({ kind, layer: null })) };
  const at = revealed(layout, phase);
  return [1, 2, 3].map((l) => [at.hasActivation(l), at.hasGradient(l)]);
}"""
UNIT = """async ([sizes, layer, unit]) =>
  (await import('/static/js/core/network.js')).unitSymbol({ sizes }, layer, unit)"""

WAITS = """async ([failures, chance]) => (await import('/static/js/core/patience.js')).waitBefore(failures, chance)"""
SILENCE = (
    """async (times) => (await import('/static/js/core/patience.js')).afterSilence(...times)"""
)
OUTBOX = """async (acts) => {
  const { createOutbox } = await import('/static/js/core/outbox.js');
  const box = createOutbox();
  return acts.map(([act, ...args]) => box[act](...args) ?? null);
}"""
REDUCED = """async ([before, actions]) => {
  const { INITIAL, reduce } = await import('/static/js/core/reduce.js');
  const state = actions.reduce(reduce, { ...INITIAL, ...before });
  const { session, frame, notice, playing, connection, closing, refused } = state;
  return { session, frame, notice: notice && notice.text, playing, connection, closing, refused };
}"""
RATE = {"do": "change", "learning_rate": 0.1}


@pytest.mark.parametrize("width", [8, 4])
def test_javascript_reads_the_golden_frame(page: Page, width: int) -> None:
    found = page.evaluate(DECODE, [list(FILE(width).read_bytes()), LAYOUT])
    assert found == EXPECTED


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [(0, 65, "not a frame"), (4, 2, "frame version 2"), (18, 4, "bytes, expected")],
)
def test_javascript_refuses_what_is_no_frame(page: Page, at: int, value: int, message: str) -> None:
    data = bytearray(FILE(8).read_bytes())
    data[at] = value
    assert message in page.evaluate(REFUSE, [list(data), LAYOUT])


def test_numbers_are_written_as_people_read_them(page: Page) -> None:
    cases: list[tuple[str, list[Any], str]] = [
        ("fixed", [-1.005, 2], "−1.00"),
        ("fixed", [0, 2], "0.00"),
        ("fixed", [0.00001, 2], "1.0e−5"),
        ("fixed", [-123456789, 2], "−1.2e8"),
        # Below 0.1 as many digits as there would be decimals, with a power only below 0.0001.
        ("fixed", [0.000668345, 4], "0.0006683"),
        ("fixed", [-0.05, 2], "−0.050"),
        ("fixed", [0.099996, 4], "0.1000"),
        ("signed", [0.00012346, 2], "+0.00012"),
        ("fixed", [0.0000999996, 4], "1.000e−4"),
        ("fixed", [0.00001234, 4], "1.234e−5"),
        ("fixed", [1.5, {"digits": 4, "least": 7}], "1.5000000"),
        ("fixed", [0.00066834, {"digits": 4, "least": 5}], "0.0006683"),
        ("short", [0.05], "0.05"),
        ("own", [0.05, ""], "0.05"),
        ("signed", [0.25, 3], "+0.250"),
        ("short", [0.0004], "4e−4"),
        ("short", [-0.5, True], "−0.50"),
        ("short", [123.456], "123.5"),
        ("short", [1656], "1656"),
        ("short", [999.96, True], "+1000"),
        ("short", [99999.6], "1e5"),
        ("own", [150000, "$"], "$150,000"),
        ("own", [-50000, "$", True], "−$50,000"),
        ("own", [99062.5, "$"], "$99,063"),
        ("own", [1656, "sq ft"], "1,656 sq ft"),
        ("own", [1960, ""], "1960"),
        ("own", [0.25, ""], "0.25"),
        ("own", [99062.5, "$", False, "all"], "$99,062.5"),
        ("own", [1234567.12345, "sq ft", True, "all"], "+1,234,567.12345 sq ft"),
        ("own", [-1 / 3, "", True, "all"], "−0.3333333333333333"),
        ("own", [1960, "", False, "all"], "1960"),
        ("own", [3e-7, "$", False, "all"], "$3e−7"),
        # What is small keeps its digits, and is not filled up with zeros.
        ("own", [0.003, "m"], "0.003 m"),
        ("own", [0.0026000000000000003, "kg", True, 4], "+0.0026 kg"),
        ("own", [0.00123456, "kg"], "0.0012 kg"),
        ("own", [0.00123456, "kg", False, 4], "0.001235 kg"),
        ("own", [1 / 3, "", False, 4], "0.3333"),
        ("own", [200 / 3, "m", False, 4], "66.6667 m"),
        ("own", [1234.56789, "m", False, 4], "1,234.57 m"),
        ("own", [1960.25, ""], "1960.25"),
        ("own", [0.5, "m", False, 4], "0.50 m"),
        ("own", [0.0123, "$"], "$0.012"),
        ("own", [-12.3456, "$", False, 4], "−$12.35"),
        ("own", [0.000012345, "kg", False, 4], "1.234e−5 kg"),
        ("own", [0, "m", False, 4], "0 m"),
        ("own", [0, "$", False, 4], "$0.00"),
        ("own", [99062.5, "$", False, 4], "$99,063"),
        ("full", [-0.1], "−0.1"),
        *((name, [math.inf], "overflows") for name in ("fixed", "signed", "short", "full")),
        ("own", [-math.inf, "$", True], "overflows"),
        ("fixed", [math.nan, "all"], "overflows"),
        ("symbol", ["w1.2.3"], "w¹₂₃"),
        ("symbol", ["w2.10.3"], "w²₁₀,₃"),
        ("symbol", ["b1.3"], "b¹₃"),
    ]
    for name, args, expected in cases:
        assert page.evaluate(FORMAT, [name, args]) == expected, (name, args)


@pytest.mark.parametrize("sizes", [[3, 3, 1], [2, 4, 3, 2], [4, 4, 4, 2], [2, 1, 1], [1, 6, 1]])
def test_labels_sit_on_their_own_edge_and_on_nothing_else(page: Page, sizes: list[int]) -> None:
    for width in (570, 760, 850, 1000):
        found = page.evaluate(PLAN, [sizes, width])
        assert (found["clash"], found["off"]) == ([], 0), width
        # Where three columns of labels would shrink the letters, an edge may have to be pointed at.
        few = len(sizes) > 3 and width < 850
        assert found["labels"] == found["edges"] or few, width


def test_the_picture_takes_the_room_there_is_and_hardly_shrinks(page: Page) -> None:
    for sizes in ([3, 3, 1], [2, 4, 3, 2], [2, 2, 2, 2, 2, 1], [3, 4, 4, 3, 2]):
        for width in (760, 850, 1000, 1200):
            found = page.evaluate(PLAN, [sizes, width])
            assert 0.65 * width <= found["width"] <= 1.37 * width, (sizes, width)


FIT = """async ([text, room]) => (await import('/static/js/core/geometry.js')).fitText(text, room, 13, 11)"""


def test_a_name_that_is_too_long_is_cut_and_a_short_one_is_not(page: Page) -> None:
    assert page.evaluate(FIT, ["age", 120]) == {"text": "age", "size": 13}
    name = "living area (m)"  # in smaller letters it fits
    smaller = page.evaluate(FIT, [name, 120])
    assert smaller["text"] == name
    assert 11 < smaller["size"] < 13
    cut = page.evaluate(FIT, ["a very long name of an input column", 120])
    assert cut == {"text": "a very long na…", "size": 11}
    assert page.evaluate(FIT, ["🏠" * 40, 60])["text"] == "🏠" * 6 + "…"  # no half of a character


def test_a_phase_reveals_what_it_has_computed_and_no_more(page: Page) -> None:
    seen = [page.evaluate(REVEALED, phase) for phase in range(9)]
    activations = [[layer[0] for layer in phase] for phase in seen]
    gradients = [[layer[1] for layer in phase] for phase in seen]
    assert activations[:4] == [[False] * 3, [True, False, False], [True, True, False], [True] * 3]
    assert gradients[4:] == [
        [False] * 3, [False, False, True], [False, True, True], [True] * 3, [True] * 3,
    ]  # fmt: skip
    assert gradients[:4] == [[False] * 3] * 4


def test_a_unit_is_called_by_its_layer_and_its_place_in_it(page: Page) -> None:
    deep = [12, *[11] * 12, 2]
    names = {"x₁₂": (0, 12), "h¹₁": (1, 1), "h⁹₁₀": (9, 10), "h¹⁰₁": (10, 1), "h¹²₁₁": (12, 11)}
    for name, place in {**names, "ŷ₂": (13, 2)}.items():
        assert page.evaluate(UNIT, [deep, *place]) == name
    assert page.evaluate(UNIT, [[1, 3, 1], 1, 3]) == "h₃"
    assert page.evaluate(UNIT, [[1, 3, 1], 2, 1]) == "ŷ"


def test_the_wait_before_a_new_try_grows_to_ten_seconds_and_is_spread_by_chance(
    page: Page,
) -> None:
    for failures, longest in ((0, 500), (1, 750), (2, 1125), (8, 10_000), (2000, 10_000)):
        assert page.evaluate(WAITS, [failures, 0]) == longest / 2
        assert page.evaluate(WAITS, [failures, 0.5]) == longest * 3 / 4
        assert page.evaluate(WAITS, [failures, 1]) == longest


def test_the_bench_has_its_clients_come_back_as_the_page_does(page: Page) -> None:
    for failures in range(20):
        for chance in (0, 0.3, 1):
            waits = page.evaluate(WAITS, [failures, chance])
            assert 1000 * wait_before(failures, chance) == pytest.approx(waits)


def test_a_connection_that_says_nothing_is_asked_and_then_given_up(page: Page) -> None:
    times = [(0, None), (29_999, None), (30_000, None), (39_999, 9_999), (40_000, 10_000)]
    found = [page.evaluate(SILENCE, [*pair]) for pair in times]
    assert found == ["wait", "wait", "ask", "wait", "cut"]
    # A look that comes late: nobody was asked yet.
    assert page.evaluate(SILENCE, [3_600_000, None]) == "ask"


def _sent(page: Page, acts: list[list[Any]]) -> list[Any]:
    """What `take` returned, of everything that was asked of an outbox."""
    found = page.evaluate(OUTBOX, acts)
    return [value for (act, *_), value in zip(acts, found, strict=True) if act == "take"]


def test_what_a_held_key_adds_goes_out_as_one_command(page: Page) -> None:
    one, two, three = ({"do": "step", "unit": "step", "by": 1, "id": name} for name in "abc")
    phase, rate = {"do": "step", "unit": "phase", "by": 1, "id": "p"}, {**RATE, "id": "r"}
    acts = [["push", one], ["take", 0], ["push", two], ["push", three], ["push", phase]]
    acts += [["push", rate], ["push", {**rate, "learning_rate": 0.3, "id": "s"}], ["take", 100]]
    for name in "acps":  # in the order of the alphabet, and of time
        acts += [["answered", name], ["take", 100 * ord(name)]]
    both = {**three, "by": 2}
    last = {**rate, "learning_rate": 0.3, "id": "s"}
    assert _sent(page, acts) == [one, None, both, phase, last, None]


def test_steps_back_and_forth_are_not_added_up(page: Page) -> None:
    """At the start of a run two back and one forward end one further than one back."""
    back, more, forth = ({"do": "step", "unit": "phase", "by": -1, "id": name} for name in "abc")
    forth["by"] = 1
    assert _went(page, back, more, forth, "take", *_done("b", "c")) == ["b", "c", None]


def test_the_newest_of_many_jumps_wins_and_forty_a_second_are_the_most(page: Page) -> None:
    seeks = [{"do": "seek", "step": k, "phase": 0, "id": str(k)} for k in range(4)]
    acts = [["push", seeks[0]], ["take", 0], *(["push", seek] for seek in seeks[1:])]
    acts += [["answered", "0"], ["take", 24], ["take", 25]]
    assert _sent(page, acts) == [seeks[0], None, seeks[3]]


FAR = {"do": "seek", "step": 900, "phase": 0, "id": "far"}
STEP = {"do": "step", "unit": "phase", "by": 1, "id": "step"}
EDIT = {**RATE, "id": "edit"}
SHOW, PAUSE, PLAY, CANCEL = ({"do": do, "id": do} for do in ("show", "pause", "play", "cancel"))


def _went(page: Page, *acts: Any) -> list[str | None]:
    """The ids of what went out: a dict is pushed, "take" comes when the time for one more has."""
    times = itertools.count(0, 100)
    calls = [
        ["push", act] if isinstance(act, dict) else ["take", next(times)] if act == "take" else act
        for act in acts
    ]
    return [command and command["id"] for command in _sent(page, calls)]


def _done(*names: str) -> list[Any]:
    """Let each be answered, and then one more go out."""
    return [act for name in names for act in (["answered", name], "take")]


LONG = (FAR, "take", ["progress", 900])  # a move that takes long is under way


@pytest.mark.parametrize("command", [EDIT, PLAY, {"do": "undo", "id": "undo"}])
def test_what_ends_a_move_that_takes_long_waits_neither_for_it_nor_for_steps_behind_it(
    page: Page, command: dict[str, Any]
) -> None:
    acts = [FAR, "take", STEP, command, "take", ["progress", 900], "take", *_done(command["id"])]
    assert _went(page, *acts) == ["far", None, command["id"], None]


def test_what_is_only_looked_at_goes_past_and_the_steps_still_wait(page: Page) -> None:
    acts = [*LONG, STEP, SHOW, PAUSE, "take", *_done("show", "pause", "far")]
    assert _went(page, *acts) == ["far", "show", "pause", None, "step"]


def test_a_cancel_waits_for_nothing_and_gives_up_what_was_to_move_the_run(page: Page) -> None:
    acts = [STEP, "take", {**STEP, "unit": "step", "id": "b"}, EDIT, FAR, CANCEL, "take"]
    assert _went(page, *acts, *_done("cancel", "edit")) == ["step", "cancel", "edit", None]
    assert _went(page, *acts, ["cut"], *["take"] * 2) == ["step", "cancel", "edit", None]


def test_a_move_of_another_viewer_that_takes_long_changes_no_order(page: Page) -> None:
    """What is told of it may be older than the move of ours that ends it."""
    other, later = ["progress", 900], {**STEP, "unit": "step", "id": "b"}
    acts = [other, STEP, "take", later, EDIT, other, "take", *_done("step", "b")]
    assert _went(page, *acts) == ["step", None, "b", "edit"]
    near = {**FAR, "step": 5}
    assert _went(page, near, "take", STEP, EDIT, other, "take", *_done("far")) == [
        "far", None, "step",
    ]  # fmt: skip
    assert _went(page, STEP, "take", EDIT, other, "take") == ["step", "edit"]  # our own


def test_the_order_is_kept_again_once_a_move_has_been_computed(page: Page) -> None:
    acts = [*LONG, ["progress", None], STEP, EDIT, "take", *_done("far", "step")]
    assert _went(page, *acts) == ["far", None, "step", "edit"]


def test_what_was_told_before_a_move_was_computed_is_told_of_the_next_one_too(page: Page) -> None:
    """A step leads where the far move led that has just been given up."""
    other = ["progress", 900]
    assert _went(page, other, STEP, "take", ["progress", None], other, EDIT, "take") == [
        "step", "edit",
    ]  # fmt: skip


def test_a_move_that_an_edit_has_ended_is_not_sent_again(page: Page) -> None:
    """The edit would come after it, and hold from another step than the one on the screen."""
    cut = [["cut"], "take", *_done("edit", "show", "far")]
    assert _went(page, *LONG, EDIT, "take", *cut)[2:] == ["edit", None, None, None]
    assert "far" in _went(page, *LONG, SHOW, "take", *cut)[2:]


def test_after_a_reconnect_the_same_commands_go_out_in_order_and_no_play(page: Page) -> None:
    step = {"do": "step", "unit": "step", "by": 1, "id": "a"}
    rate, play = {**RATE, "id": "b"}, {"do": "play", "unit": "step", "per_second": 1, "id": "c"}
    acts = [["push", step], ["take", 0], ["push", play], ["push", rate], ["cut"]]
    again = [*acts, ["take", 1], ["answered", "a"], ["take", 99]]
    assert _sent(page, again) == [step, step, rate]
    assert _sent(page, [*acts, ["answered", "a"], ["take", 1]]) == [step, rate]
    more = [["push", {**step, "id": "d"}], ["take", 1]]
    assert _sent(page, [*acts[:2], ["cut"], *more]) == [step, step]  # never merged with a new one


def test_a_pause_and_an_example_that_were_chosen_while_cut_off_are_not_forgotten(
    page: Page,
) -> None:
    acts = [SHOW, {**SHOW, "id": "b"}, PAUSE, {**PAUSE, "id": "c"}, ["cut"]]
    assert _went(page, *acts, "take", *_done("b", "c")) == ["b", "c", None]


def test_what_came_too_fast_goes_out_again_once_it_may(page: Page) -> None:
    step = {"do": "step", "unit": "step", "by": 1, "id": "a"}
    acts = [["push", step], ["take", 0], ["later", "a", 500], ["take", 499], ["take", 500]]
    assert _sent(page, [*acts, ["answered", "a"], ["take", 999]]) == [step, None, step, None]


def _session(**more: Any) -> dict[str, Any]:
    place = {"cursor": {"step": 0, "phase": 0}, "revision": 0, "offset": 0}
    return {"edits": [], "can_undo": False, "furthest": 0, **place, **more}


def _change(offset: int, step: int, **more: Any) -> dict[str, Any]:
    place = {"cursor": {"step": step, "phase": 0}, "revision": 0, "offset": offset}
    return {"type": "change", "id": None, **place, **more}


def test_a_change_is_applied_once_and_in_order(page: Page) -> None:
    hello = {"type": "hello", "session": _session(), "playing": None}
    edit = {"step": 0, "learning_rate": 0.1}
    new = _change(2, 3, edits=[edit], dropped=[], can_undo=True, furthest=3, revision=1)
    found = page.evaluate(REDUCED, [{}, [hello, _change(1, 3), new, _change(1, 9), new]])
    kept = {"edits": [edit], "can_undo": True, "furthest": 3, "revision": 1, "offset": 2}
    assert found["session"] == {"cursor": {"step": 3, "phase": 0}, **kept}
    assert found["notice"] == "Another viewer changed this run. Now α = 0.1 from step 0 on."


def test_what_was_missed_is_told_and_an_older_frame_is_dropped(page: Page) -> None:
    before = {"session": _session(), "playing": {"unit": "step"}, "connection": "lost"}
    undone = _change(1, 2, edits=[], can_undo=False, furthest=2, revision=1)
    resumed = {"type": "resumed", "changes": [undone], "cursor": {"step": 5, "phase": 1}}
    frames = [{"type": "frame", "frame": {"revision": k, "step": 7 - k}} for k in (1, 0)]
    resumed |= {"playing": {"unit": "step"}, "machine": "B", "recorded_on": ["A"]}
    found = page.evaluate(REDUCED, [before, [resumed, *frames]])
    assert found["frame"] == {"revision": 1, "step": 6}
    assert found["session"]["cursor"] == {"step": 5, "phase": 1}
    assert (found["session"]["machine"], found["session"]["recorded_on"]) == ("B", ["A"])
    assert found["connection"] == "open"
    assert found["notice"] == "Another viewer changed this run: the last change is taken back."
    found = page.evaluate(REDUCED, [before, [{**resumed, "changes": [], "playing": None}]])
    assert found["notice"].startswith("Playing stopped while the connection was cut.")


def test_a_change_of_ones_own_whose_reply_was_cut_off_says_what_the_reply_would_have_said(
    page: Page,
) -> None:
    before = {"session": _session(), "playing": {"unit": "step"}, "connection": "lost"}
    edit, later = {"step": 0, "learning_rate": 0.1}, {"step": 3, "learning_rate": 0.2}
    mine = _change(1, 0, edits=[edit], dropped=[later], can_undo=True, mine=True)
    resumed = {"type": "resumed", "cursor": {"step": 0, "phase": 0}, "playing": None}
    notice = page.evaluate(REDUCED, [before, [{**resumed, "changes": [mine]}]])["notice"]
    assert notice == "This change took away 1 later change."
    far = _change(1, 7, diverged={"step": 7}, mine=True)
    notice = page.evaluate(REDUCED, [before, [{**resumed, "changes": [far]}]])["notice"]
    assert notice.startswith("The run diverges: step 7 is the last")


@pytest.mark.parametrize(
    "later",
    [
        _change(1, 1),
        {**_change(1, 1), "type": "reply"},
        {"type": "playing", "playing": {"unit": "step", "per_second": 1}, "reason": None},
    ],
    ids=["a move elsewhere", "a move here", "play"],
)
def test_that_playing_stopped_is_said_until_the_run_moves_on(
    page: Page, later: dict[str, Any]
) -> None:
    before = {"session": _session(), "playing": {"unit": "step"}, "connection": "lost"}
    hello = {"type": "hello", "session": _session(), "playing": None}
    stopped = page.evaluate(REDUCED, [before, [hello, _change(0, 0)]])
    assert stopped["notice"].startswith("Playing stopped while the connection was cut.")
    assert page.evaluate(REDUCED, [before, [hello, later]])["notice"] is None


def test_what_another_viewer_changed_is_still_said_when_an_example_is_shown(page: Page) -> None:
    edit = _change(1, 0, edits=[{"step": 0, "learning_rate": 0.1}], dropped=[])
    shown = {"type": "reply", "id": "a", "cursor": {"step": 0, "phase": 0}}
    found = page.evaluate(REDUCED, [{"session": _session()}, [edit, shown]])
    assert found["notice"] == "Another viewer changed this run. Now α = 0.1 from step 0 on."


def test_the_last_step_is_whatever_the_server_allows(page: Page) -> None:
    end = {"type": "playing", "playing": None, "reason": "end"}
    found = page.evaluate(REDUCED, [{"session": _session()}, [end]])
    assert found["notice"] == "This is the last step that a run may have here."


def test_a_refusal_says_why_and_changes_nothing(page: Page) -> None:
    words = "nothing was changed, since the disk is full; reading goes on"
    error = {"type": "error", "error": {"code": "not_stored", "message": words}}
    found = page.evaluate(REDUCED, [{"session": _session()}, [error]])
    assert found["session"] == _session()
    assert (found["notice"], found["refused"]) == (words, 1)
    cancelled = {"type": "error", "error": {"code": "cancelled", "message": "another move"}}
    found = page.evaluate(REDUCED, [{}, [cancelled]])
    assert (found["notice"], found["refused"]) == (None, 0)  # no edit was refused


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


@pytest.mark.parametrize(
    ("code", "words", "final"),
    [
        (1006, "Connection lost. Trying again", False),
        (1008, "This page sent more than the server takes.", False),
        (1012, "The server restarts; your run is kept.", False),
        (4404, "This session is no longer on the server.", True),
        (4408, "This page fell behind", False),
        (4410, _capital(str(Damaged())), True),
        (4429, "Too many pages show this run.", False),
    ],
)
def test_every_reason_for_a_closed_connection_has_its_words(
    page: Page, code: int, words: str, final: bool
) -> None:
    lost = [{"type": "connection", "code": code}, {"type": "connection", "code": 1006}]
    found = page.evaluate(REDUCED, [{}, lost[: 1 if final else 2]])
    assert found["closing"]["text"].startswith(words)
    assert found["connection"] == ("closed" if final else "lost")


LOST = {"type": "connection", "code": 1006}


def _turned_away(page: Page, *told: dict[str, Any] | None) -> tuple[str, bool]:
    """What a page says that lost its connection and then asked why, and whether it gives up."""
    actions = [LOST, *({"type": "turned_away", "error": error} for error in told), LOST]
    closing = page.evaluate(REDUCED, [{}, actions])["closing"]
    return closing["text"], closing["final"]


@pytest.mark.parametrize(
    ("code", "status", "words", "final"),
    [
        ("unknown_session", 404, "This session is no longer on the server.", True),
        ("damaged", 500, _capital(str(Damaged())), True),
        ("stopping", 503, "The server restarts; your run is kept.", False),
        ("host_not_allowed", 400, "The server does not let this page in: why.", True),
        ("origin_not_allowed", 403, "The server does not let this page in: why.", True),
        ("too_many_reads", 429, "The server does not let this page in just now: why. Try", False),
        ("internal", 500, "The server does not let this page in just now: why. Try", False),
        (None, 502, "Connection lost. Trying again", False),
        (None, None, "Connection lost. Trying again", False),
    ],
)
def test_what_a_plain_request_is_told_of_a_lost_connection_has_its_words(
    page: Page, code: str | None, status: int | None, words: str, final: bool
) -> None:
    found = _turned_away(page, {"code": code, "status": status, "message": "why"})
    assert (found[0].startswith(words), found[1]) == (True, final)


def test_a_page_that_gets_no_socket_names_the_settings_that_there_are(page: Page) -> None:
    words, final = _turned_away(page, None)
    assert not final
    settings = {setting_of("sockets_per_address"), ORIGINS_SETTING}
    assert set(re.findall("RETRACE_[A-Z_]+", words)) == settings


def test_a_reason_is_taken_back_where_nobody_answers_any_more(page: Page) -> None:
    """A reason that the server told by itself stands."""
    nobody = {"message": "the server cannot be reached"}
    assert _turned_away(page, None, nobody)[0].startswith("Connection lost.")
    restarts = {"type": "connection", "code": 1012}
    asked = {"type": "turned_away", "error": nobody}
    found = page.evaluate(REDUCED, [{}, [restarts, asked]])["closing"]
    assert found["text"].startswith("The server restarts")


def test_the_same_reason_is_not_said_twice(page: Page) -> None:
    """An alert that is written anew is read out anew."""
    gone = """async ([asked, barred]) => {
      const { reduce, INITIAL } = await import('/static/js/core/reduce.js');
      const told = [{ type: 'connection', code: 1006 }, barred, asked].reduce(reduce, INITIAL);
      return reduce(told, asked) === told;
    }"""
    barred = {"type": "turned_away", "error": None}
    asked = {"type": "turned_away", "error": {"message": "the server cannot be reached"}}
    assert page.evaluate(gone, [asked, barred])
    same = """async (asked) => {
      const { INITIAL, reduce } = await import('/static/js/core/reduce.js');
      const once = [{ type: 'connection', code: 1006 }, asked].reduce(reduce, INITIAL);
      return reduce(once, asked) === once && once.closing !== null;
    }"""
    assert page.evaluate(same, {"type": "turned_away", "error": None})


def test_a_connection_that_tells_of_progress_is_not_called_lost(page: Page) -> None:
    progress = {"type": "progress", "step": 10, "target": 1000, "done": False}
    assert page.evaluate(REDUCED, [{}, [LOST, progress]])["closing"] is None
    cut = page.evaluate(REDUCED, [{}, [LOST, progress, LOST]])
    assert cut["closing"]["text"].startswith("Connection lost.")


def test_a_reason_that_comes_too_late_is_not_told(page: Page) -> None:
    late = {"type": "turned_away", "error": None}
    assert page.evaluate(REDUCED, [{"connection": "open"}, [late]])["closing"] is None
