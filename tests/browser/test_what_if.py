"""What if: a weight dragged along its curve, wiggled, kept; every number against the JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.timeline.presets import HOUSE
from tests.browser.conftest import Server, Visit
from tests.browser.explaining import (
    as_text,
    chain_of,
    click_on,
    drawn,
    expect_chain,
    explain,
    on_a_phone,
    wait_for,
)
from tests.browser.test_journeys import NON_SQUARE


def test_the_keyboard_alone_tries_a_value_and_keeps_it(visit: Visit) -> None:
    page = visit.open().page
    explain(page, "w1.2.2")
    page.get_by_role("tab", name="Chain rule").focus()
    page.keyboard.press("ArrowRight")
    handle = page.get_by_role("slider", name="What if w¹₂₂ were")
    expect(handle).to_be_visible()
    handle.focus()
    before = float(handle.get_attribute("aria-valuenow") or "")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".trial-note")).to_be_visible()
    assert float(handle.get_attribute("aria-valuenow") or "") > before
    page.keyboard.press("Escape")
    expect(page.locator(".trial-note")).to_be_hidden()
    expect(handle).to_have_attribute("aria-valuenow", as_text(before))
    page.keyboard.press("PageUp")
    expect(handle).not_to_have_attribute("aria-valuenow", as_text(before))
    tried = float(handle.get_attribute("aria-valuenow") or "")
    page.keyboard.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("w¹₂₂")
    assert visit.step(0)["layers"][0]["weights"][1][1] == tried


def _drag(page: Page, by: float) -> None:
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()  # the curve has come
    box = page.locator(".slice .now").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=6)
    drawn(page)


def test_a_dragged_weight_moves_the_diagram_and_comes_back(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.get_by_role("button", name="Phase 7: Back through w¹").click()
    visit.at(0, 7)
    click_on(page, "w2.2.3")
    page.get_by_role("tab", name="What if").click()
    edge = page.locator("#diagram [data-parameter='w2.2.3']")
    own = visit.step(0)["layers"][1]["weights"][1][2]
    expect(edge).to_have_attribute("data-weight", as_text(own))
    _drag(page, 70)
    handle = page.locator(".slice .now")
    tried = handle.get_attribute("aria-valuenow") or ""
    assert float(tried) > own
    expect(edge).to_have_attribute("data-weight", tried)
    expect(page.locator(".picture")).to_have_class(re.compile("trying"))
    moved = page.locator("#diagram [data-unit='3.1']").get_attribute("data-a")
    page.mouse.up()
    expect(edge).to_have_attribute("data-weight", as_text(own))
    expect(page.locator(".trial-note")).to_be_hidden()
    assert httpx.get(visit.api).json()["edits"] == []
    page.get_by_role("button", name=re.compile("^Keep")).click()
    expect(edge).to_have_attribute("data-weight", tried)
    assert visit.step(0)["layers"][1]["weights"][1][2] == float(tried)
    assert page.locator("#diagram [data-unit='3.1']").get_attribute("data-a") == moved
    assert float(moved or "") == visit.step(0)["layers"][2]["a"][0]
    visit.click("Undo edit")
    expect(edge).to_have_attribute("data-weight", as_text(own))


def test_the_curve_is_the_houses_parabola(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    click_on(page, "w2.1.1")
    page.get_by_role("tab", name="What if").click()
    body = page.locator("#tab-body")
    expect(body).to_contain_text("of slope ∂E/∂w²₁₁ = +0.3750")
    expect(body.locator(".landings")).to_contain_text("1.9812")
    wiggle = page.get_by_label("Wiggle h")
    wiggle.fill("0")
    expect(body.locator(".quotient th").first).to_have_text("(E(w²₁₁ + h) − E(w²₁₁)) / h")
    quotients = []
    for _ in range(5):
        quotients.append(float(body.locator("[data-of=quotient]").inner_text()))
        wiggle.press("ArrowRight")
    # ((0.75 (2 + h) - 1)^2 - 0.25) / 2h = 0.375 + 0.28125 h
    assert quotients == pytest.approx([0.375 + 0.28125 * 10.0**-k for k in range(5)], abs=1e-8)


def test_a_wrong_value_is_named_and_a_right_one_becomes_an_edit(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    click_on(page, "w2.1.1")
    page.get_by_role("tab", name="What if").click()
    field = page.get_by_label("Set this parameter to")
    field.fill("much")
    field.press("Enter")
    wrong = page.get_by_role("alert").filter(has_text="“much” is not a value")
    expect(wrong).to_be_visible()
    field.fill("1.5")
    field.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("w²₁₁ = 1.5")
    told = page.locator(".kept-words")
    expect(told).to_contain_text("Set: w²₁₁ = 1.5")
    expect(wrong).to_have_count(0)
    field.fill("much")
    field.press("Enter")
    expect(wrong).to_be_visible()
    expect(told).to_have_text("")
    assert visit.step(0)["prediction"] == [0.75 * 1.5]


def test_at_a_kink_the_curve_and_the_chain_say_so_too(visit: Visit) -> None:
    spec = {
        "dataset": {"inputs": [[1.0]], "targets": [[1.0]]},
        "initial": {"weights": [[[0.0]], [[1.0]]], "biases": [[0.0], [0.0]]},
        "layers": [{"units": 1, "activation": "relu"}, {"units": 1, "activation": "identity"}],
    }
    page = visit.open(spec).page
    click_on(page, "w1.1.1")
    expect(page.locator(".result")).to_contain_text("at a ReLU's kink")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator("#tab-body")).to_contain_text("the curve has a corner")


@pytest.mark.parametrize(("weight", "slope"), [(2e-6, "−1.00"), (-2e-6, "0.00")])
def test_beside_a_kink_the_slope_is_that_of_its_own_side(
    visit: Visit, weight: float, slope: str
) -> None:
    spec = {
        "dataset": {"inputs": [[1.0]], "targets": [[1.0]]},
        "initial": {"weights": [[[weight]]], "biases": [[0.0]]},
        "layers": [{"units": 1, "activation": "relu"}],
    }
    page = visit.open(spec).page
    click_on(page, "w1.1.1")
    panel = page.locator("#tab-body")
    expect(page.locator(".result")).to_contain_text(slope)
    expect(panel).not_to_contain_text("at a ReLU's kink")
    page.get_by_role("tab", name="What if").click()
    expect(panel).to_contain_text(f"of slope ∂E/∂w¹₁₁ = {slope}")
    expect(panel).to_contain_text("A ReLU turns nearer to this point than the h of its proof")
    expect(panel).to_contain_text("only a smaller h can come to the derivative")
    expect(panel).not_to_contain_text("takes the side where the ReLU is off")
    expect(panel).not_to_contain_text("depends on the side it comes from")


AT_KINK = """async (names) => {
  const { isAtKink } = await import('/static/js/core/network.js');
  const layout = { sizes: [2, 2, 2, 1], activations: ['relu', 'tanh', 'relu'], parameters: [
    { offset: 0, shape: [2, 2] }, { offset: 4, shape: [2] }, { offset: 6, shape: [2, 2] },
    { offset: 10, shape: [2] }, { offset: 12, shape: [2, 1] }, { offset: 14, shape: [1] }] };
  const of = (...z) => names.filter((name) => isAtKink(layout, { z: Float64Array.from(z) }, name));
  return [of(1, 0, 0, 0, 1), of(1, 2, 3, 4, 0), of(1, 2, 0, 0, 5)];
}"""


def test_a_kink_is_of_the_units_that_a_parameter_acts_on(page: Page) -> None:
    names = ["w1.1.1", "w1.2.2", "b1.1", "b1.2", "w2.1.1", "b2.2", "w3.1.1", "b3.1"]
    assert page.evaluate(AT_KINK, names) == [["w1.2.2", "b1.2"], names, []]


def test_a_late_trial_does_not_come_after_letting_go(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    click_on(page, "w2.2.3")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    held: list[Any] = []
    page.route(re.compile("/trial"), lambda route: held.append(route))
    ended: list[Any] = []
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: "/trial" in request.url and ended.append(request))
    _drag(page, 60)
    page.wait_for_function("() => document.querySelector('.slice .now.held')")
    wait_for(page, held)
    page.mouse.up()
    expect(page.locator(".slice .now.held")).to_have_count(0)
    for route in held:
        route.continue_()
    wait_for(page, ended, len(held))
    drawn(page)
    expect(page.locator(".trial-note")).to_be_hidden()
    expect(page.locator("#diagram [data-parameter='w2.2.3']")).to_have_attribute(
        "data-weight", as_text(visit.step(0)["layers"][1]["weights"][1][2])
    )


def test_a_value_tried_at_one_step_is_not_kept_at_another(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    click_on(page, "w2.2.3")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    page.mouse.up()
    keep = page.get_by_role("button", name=re.compile("^Keep"))
    expect(keep).to_be_enabled()
    visit.click("Step forward")
    visit.at(1, 0)
    expect(keep).to_be_disabled()


SINCE = "#tab-body .row:has(> [data-key=keep]) > .hint"
DIVERGING: dict[str, Any] = {
    "dataset": {"inputs": [[1.0]], "targets": [[0.5]]},
    "layers": [{"units": 1, "activation": "identity"}] * 2,
    "initial": {"weights": [[[1.5]], [[2.0]]], "biases": [[0.0], [0.0]]},
    "learning_rate": 1e30,
}


def test_where_a_run_has_diverged_an_edit_is_not_promised(visit: Visit) -> None:
    page = visit.open(DIVERGING).page
    _open_curve(page, "w1.1.1")
    since = page.locator(SINCE)
    expect(since).to_have_text("from step 0 on")
    seek = {"do": "seek", "step": 50, "phase": 0}
    step = httpx.post(f"{visit.api}/commands", json=seek).json()["diverged"]["step"]
    visit.at(step, 6)
    expect(since).to_have_text(
        f"from step {step + 1} on, if its numbers are then all finite; or step back first"
    )
    field = page.get_by_label("Set this parameter to")
    field.fill("0.5")
    field.press("Enter")
    expect(page.locator("#slice-problem")).to_contain_text(
        f"a value with which step {step + 1} stays finite (or step back first)"
    )
    page.get_by_role("button", name="Phase 0: Input").click()
    expect(since).to_have_text(f"from step {step} on")
    field.press("Enter")
    expect(page.locator(".kept-words")).to_contain_text(f"from step {step} on")


def test_behind_the_last_step_that_a_run_may_have_nothing_is_kept(
    window: BrowserContext, tmp_path: Path
) -> None:
    server = Server(tmp_path, RETRACE_MAX_STEPS="3")
    server.start()
    visit = Visit(window.new_page(), server).open(HOUSE)
    page = visit.page
    _open_curve(page, "w1.1.1")
    since = page.locator(SINCE)
    httpx.post(f"{visit.api}/commands", json={"do": "seek", "step": 3, "phase": 5})
    expect(since).to_have_text("from step 3 on")
    page.locator(".slice .now").press("ArrowRight")
    keep = page.locator("[data-key=keep]")
    expect(keep).to_be_enabled()
    httpx.post(f"{visit.api}/commands", json={"do": "seek", "step": 3, "phase": 6})
    expect(since).to_have_text("the last step that a run may have is done: step back first")
    page.locator(".slice .now").press("ArrowRight")
    expect(keep).to_have_text(re.compile(r"Keep \S"))
    expect(keep).to_be_disabled()
    field = page.get_by_label("Set this parameter to")
    field.fill("0.5")
    field.press("Enter")
    expect(page.locator("#slice-problem")).to_contain_text("an edit at or before 3")
    page.close()
    server.stop()
    assert visit.problems == []


def test_a_unit_is_a_bill_a_curve_and_its_delta(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.locator("#diagram [data-unit='2.3']").click()
    layer = visit.step(0)["layers"][1]
    body = page.locator("#tab-body > div:not([hidden])")
    expect(body.locator(".plot svg")).to_have_count(1)
    numbers = [
        float(e.get_attribute("data-value") or "")
        for e in body.locator("section").first.locator("[data-value]").all()
    ]
    amounts, weights, products = numbers[0:12:3], numbers[1:12:3], numbers[2:12:3]
    assert amounts == visit.step(0)["layers"][0]["a"]
    assert weights == [row[2] for row in layer["weights"]]
    assert products == pytest.approx(np.multiply(amounts, weights))
    assert numbers[-2:] == [layer["biases"][2], layer["z"][2]]
    body.get_by_role("button", name="h¹₂: explain its weight").click()
    expect(page.locator(".chosen")).to_contain_text("weight, h¹₂ to h²₃")


def test_by_touch_the_diagram_stays_in_sight(browser: Browser, server: Server) -> None:
    visit = on_a_phone(browser, server).open()
    page = visit.page
    page.locator("#diagram [data-parameter='w1.3.1'] .target").tap(force=True)
    expect_chain(page, chain_of(visit, "w1.3.1"))
    expect(page.locator(".chosen")).to_be_in_viewport()
    expect(page.locator("#diagram .network")).to_be_in_viewport()
    page.get_by_role("tab", name="What if").tap()
    touch = page.context.new_cdp_session(page)
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    page.locator(".slice").evaluate(
        "(e) => e.scrollIntoView({ block: 'end' })"
    )  # below the diagram
    box = page.locator(".slice .now").bounding_box()
    assert box
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    for k in range(1, 6):
        move = {"type": "touchMove", "touchPoints": [{**at, "x": at["x"] - 8 * k}]}
        touch.send("Input.dispatchTouchEvent", move)
    expect(page.locator(".trial-note")).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".trial-note")).to_be_hidden()
    page.context.close()
    assert visit.problems == []


SLICE = """async (slice) => {
  const { viewSlice } = await import('/static/js/views/slice.js');
  return [0, 2, 5].map((k) => {
    const view = viewSlice(slice, k);
    const back = ([a, b]) => [view.x.back(a), view.y.back(b)];
    return { now: back(view.now), marks: view.marks.map((m) => back(m.place)), tangent: view.tangent.map(back), secant: view.secant.ends.map(back) };
  }); }"""


LEVELS = """async (slice) => {
  const { BOX, told, viewSlice } = await import('/static/js/views/slice.js');
  const { values, losses } = slice;
  const falling = { ...slice, losses: [...losses].sort((a, b) => b - a) };
  const sides = [slice, falling].map((one) => viewSlice(one, 0).levels.map(({ left }) => left));
  return [sides, told([0.56412, 0.56438]), told([6.1e-4, 6.12e-4]), told([-0.75, 1.25])]; }"""


def test_nothing_of_the_curve_hides_under_something_else(visit: Visit) -> None:
    page = visit.open().page
    _open_curve(page, "w1.1.1")
    wide = page.get_by_role("button", name="Show the wide view")  # ten updates: a twentieth of 2
    places = ".slice .now, .slice .mark:not(:first-child) circle"
    x = [
        box["x"] + box["width"] / 2 for e in page.locator(places).all() if (box := e.bounding_box())
    ]
    assert len(x) == 4
    assert min(abs(x[-1] - other) for other in x[:-1]) > 15  # the handle has a radius of 9
    picture = page.locator(".slice").bounding_box()
    assert picture
    for beside in (wide, page.get_by_label("Wiggle h")):
        box = beside.bounding_box()
        assert box
        assert 0 <= box["y"] - picture["y"] - picture["height"] < 30
    query = {"parameter": "w1.1.1"}
    found = httpx.get(f"{visit.api}/steps/0/slice", params=query).json()
    rising, *tell = page.evaluate(LEVELS, found)
    assert rising == [[True, False], [False, True]]
    assert tell == [["0.5641", "0.5644"], ["0.000610", "0.000612"], ["−0.75", "1.25"]]
    wide.click()
    expect(page.get_by_role("button", name="Zoom to the update")).to_be_visible()
    expect(page.locator(".slice .now")).to_have_attribute("aria-valuemax", as_text(found["at"] + 1))
    page.get_by_label("Wiggle h").fill("5")
    expect(page.locator(".width")).to_have_text("0.00001")


def _slope(ends: list[list[float]]) -> float:
    (x1, y1), (x2, y2) = ends
    return (y2 - y1) / (x2 - x1)


def test_what_is_drawn_of_the_curve_is_where_its_numbers_say(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    found = httpx.get(f"{visit.api}/steps/0/slice", params={"parameter": "w2.3.1"}).json()
    for k, view in zip((0, 2, 5), page.evaluate(SLICE, found), strict=True):
        assert view["now"] == pytest.approx([found["at"], found["loss"]])
        landed = [[one["value"], one["loss"]] for one in found["landings"]]
        assert view["marks"] == [pytest.approx(place) for place in landed]
        assert _slope(view["tangent"]) == pytest.approx(found["slope"])
        assert _slope(view["secant"]) == pytest.approx(found["wiggle"][k]["quotient"])


TRIAL = """async (kept) => {
  const { reduce, INITIAL } = await import('/static/js/core/reduce.js');
  const tried = { parameter: 'w1.1.1', value: 2 };
  const selected = reduce(INITIAL, { type: 'pick', name: 'w1.1.1' });
  const dragged = reduce(selected, { type: 'try', value: 2 });
  const state = { kept: dragged, 'let go': reduce(dragged, { type: 'restore' }),
    another: reduce(reduce(selected, { type: 'pick', name: 'b1.1' }), { type: 'try', value: 2 }) }[kept];
  return [{ type: 'trial', frame: {}, tried }, { type: 'beyond', tried }].map((action) => {
    const { trial, beyond } = reduce(state, action);
    return [trial !== null, beyond];
  });
}"""


def test_a_trial_counts_only_while_its_own_parameter_is_tried(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    assert page.evaluate(TRIAL, "kept") == [[True, False], [False, True]]
    assert page.evaluate(TRIAL, "let go") == [[False, False], [False, False]]
    assert page.evaluate(TRIAL, "another") == [[False, False], [False, False]]


ORDER = "() => [...document.querySelectorAll('#diagram .edge')].map((e) => e.dataset.parameter)"


def test_dragging_a_weight_shows_what_it_does_to_the_gradients_before_it(visit: Visit) -> None:
    """The gradient of w1 goes through w2: it moves with it, although its edge is off the path."""
    page = visit.open(HOUSE).page
    page.get_by_role("button", name="Phase 5: Back through w¹").click()
    visit.at(0, 5)
    _open_curve(page, "w2.1.1")
    edge = page.locator("#diagram [data-parameter='w1.1.1']")
    assert float(edge.get_attribute("data-gradient") or "") == 2
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    expect(edge).not_to_have_attribute("data-gradient", "2")
    # Both at one moment: answers may still be coming in.
    gradient, tried = page.evaluate(
        """() => [["w1.1.1", "gradient"], ["w2.1.1", "weight"]].map(([name, what]) =>
             Number(document.querySelector(`#diagram [data-parameter='${name}']`).dataset[what]))"""
    )
    assert gradient == pytest.approx(2 * tried * (0.75 * tried - 1))  # x1 * w2 * (h * w2 - y)
    assert edge.locator(".halo").evaluate("e => getComputedStyle(e).display") != "none"


MANY_EDGES: dict[str, Any] = {
    **NON_SQUARE,
    "layers": [{"units": n, "activation": "tanh"} for n in (8, 5)]
    + [{"units": 2, "activation": "identity"}],
}


def test_among_many_edges_what_is_off_a_dragged_weights_path_is_painted_once(
    visit: Visit,
) -> None:
    page = visit.open(MANY_EDGES).page
    page.get_by_role("button", name="Phase 7: Back through w¹").click()
    visit.at(0, 7)
    order = page.evaluate(ORDER)
    _open_curve(page, "w2.2.3")
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    still = page.locator("#diagram .still .edge")
    expect(still).to_have_count(page.locator("#diagram .edge.dimmed").count())
    assert still.count() == 63  # of 66: itself and the two behind it move
    expect(page.locator("#diagram .still")).to_have_css("will-change", "transform")
    expect(still.first.locator(".halo")).to_be_hidden()
    painted = """() => { window.painted = 0;
      const seen = ({ target }) => !target.matches('.halo'); // which is not shown
      new MutationObserver((list) => { window.painted += list.filter(seen).length; }).observe(
        document.querySelector('#diagram .still'),
        { subtree: true, attributeFilter: ['stroke-width', 'x1', 'y1', 'transform'] }); }"""
    first = page.locator("#diagram [data-unit='3.1']").get_attribute("data-a") or ""
    page.evaluate(painted)
    box = page.locator(".slice .now").bounding_box()
    assert box
    page.mouse.move(box["x"] - 40, box["y"])
    expect(page.locator("#diagram [data-unit='3.1']")).not_to_have_attribute("data-a", first)
    assert page.evaluate("window.painted") == 0
    page.mouse.up()
    expect(still).to_have_count(0)
    assert page.evaluate(ORDER) == order


def _open_curve(page: Page, name: str) -> None:
    explain(page, name)
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    expect(page.get_by_role("tabpanel")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize(
    ("path", "tab"), [("chain", "Chain rule"), ("slice", "What if"), ("check", "Proof")]
)
@pytest.mark.parametrize("leave", ["Escape", "another session"])
def test_what_nobody_waits_for_is_not_asked_any_more(
    visit: Visit, path: str, tab: str, leave: str
) -> None:
    page = visit.open(NON_SQUARE).page
    asked: list[str] = []
    page.route(re.compile(rf"/{path}\?"), lambda route: asked.append(route.request.url))
    dropped: list[str] = []
    page.on("requestfailed", lambda request: dropped.append(request.url))
    explain(page, "w2.1.3")
    if path != "chain":
        page.get_by_role("tab", name=tab).click()
    if path == "check":
        page.get_by_role("button", name="Check all").click()
    page.wait_for_function("() => document.querySelector('.chosen').getClientRects().length")
    wait_for(page, asked)  # a curve only once the chain has come
    with page.expect_event("requestfailed", lambda request: f"/{path}" in request.url):
        if leave == "Escape":
            page.keyboard.press("Escape")
        else:
            page.get_by_label("Preset").select_option(index=1)
    assert dropped == asked


def test_a_trial_is_dropped_with_its_weight(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _open_curve(page, "w2.2.3")
    page.route(re.compile("/trial"), lambda route: None)
    with page.expect_request(re.compile("/trial")):
        _drag(page, 60)
    with page.expect_event("requestfailed", lambda request: "/trial" in request.url):
        page.mouse.up()


def test_escape_ends_a_drag_and_only_that(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _open_curve(page, "w2.2.3")
    handle = page.locator(".slice .now")
    own = handle.get_attribute("aria-valuenow") or ""
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".trial-note")).to_be_hidden()
    box = handle.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"])
    expect(handle).to_have_attribute("aria-valuenow", own)
    expect(page.locator(".slice .now.held")).to_have_count(0)
    page.mouse.up()
    expect(page.locator(".chosen")).to_be_visible()


def test_an_overflow_while_dragging_is_said_once_and_calmly(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    _open_curve(page, "w2.2.3")
    error = {"code": "not_finite", "message": "value: expected a value", "field": "value"}
    refuse = {"status": 422, "json": {"error": error}}
    page.route(re.compile("/trial"), lambda route: route.fulfill(**refuse))
    said = page.locator(".said")
    with page.expect_response(re.compile("/trial")):
        _drag(page, 30)
    expect(said).to_contain_text("overflow")
    page.evaluate(
        """() => { window.repeated = 0; new MutationObserver((l) => { window.repeated += l.length; })
          .observe(document.querySelector('.said'), { childList: true, characterData: true, subtree: true }); }"""
    )
    box = page.locator(".slice .now").bounding_box()
    assert box
    with page.expect_response(re.compile("/trial")):
        page.mouse.move(box["x"] + 40, box["y"])
    expect(said).to_contain_text("overflow")
    assert page.evaluate("window.repeated") == 0
    expect(page.locator("#notices .notice")).to_have_count(0)
    page.mouse.up()
    expect(said).to_contain_text("Restored")
    context.close()


def test_a_value_set_at_the_update_says_from_when_it_holds(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    page.get_by_role("button", name=re.compile("Update")).click()
    visit.at(0, 6)
    _open_curve(page, "w2.1.1")
    field = page.get_by_label("Set this parameter to")
    field.fill("1.5")
    field.press("Enter")
    told = page.get_by_role("status").filter(has_text="Set: w²₁₁ = 1.5 from step 1 on.")
    expect(told).to_be_visible()
    visit.click("Undo edit")
    expect(told).to_have_count(0)
    field.fill("1.5")
    field.press("Enter")
    expect(told).to_be_visible()
    explain(page, "w1.1.1")
    expect(told).to_have_count(0)


SMALL = """(least) => [...document.querySelectorAll(`#panel :is(button, input, select),
    #diagram :is(.unit, .bias, .badge-mark)`)]
  .filter((e) => e.getClientRects().length)
  .map((e) => [e, e.matches('.badge, #diagram *') ? 24 : least, e.getBoundingClientRect()])
  .filter(([, most, b]) => b.width < most || b.height < most)
  .map(([e, , b]) => [e.outerHTML.slice(0, 80), b.width, b.height])"""


def test_what_a_finger_touches_is_large_enough(browser: Browser, server: Server) -> None:
    visit = on_a_phone(browser, server).open(NON_SQUARE)
    page = visit.page
    explain(page, "w2.2.3")
    for tab in ("Chain rule", "What if", "Proof", "Gradient"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).not_to_have_attribute("aria-busy", "true")
        assert page.evaluate(SMALL, 44) == []
    explain(page, "u2.2")
    expect(page.locator("#tab-body > div:not([hidden]) td").first).to_be_visible()
    assert page.evaluate(SMALL, 44) == []
    page.context.close()
    assert visit.problems == []
