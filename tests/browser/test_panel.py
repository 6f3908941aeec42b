"""What the panel says of a weight: numbers that add up, words for every case, room for all of it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.timeline.presets import HOUSE
from tests.browser.conftest import Server, Visit, Wire
from tests.browser.explaining import WIDE, on_a_phone
from tests.browser.test_journeys import NON_SQUARE
from tests.mathml import contradictions

# https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/
MAZUR: dict[str, Any] = {
    "dataset": {"inputs": [[0.05, 0.10]], "targets": [[0.01, 0.99]]},
    "layers": [{"units": 2, "activation": "sigmoid"}, {"units": 2, "activation": "sigmoid"}],
    "initial": {
        "weights": [[[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]],
        "biases": [[0.35, 0.35], [0.60, 0.60]],
    },
    "train_biases": False,
    "learning_rate": 0.5,
}


def _show(page: Page, name: str, tab: str | None = None) -> None:
    page.get_by_role("combobox", name="Explain").fill(name)
    page.get_by_role("button", name="Show", exact=True).click()
    if tab:
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
    expect(page.locator("#tab-body")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#tab-body > div:not([hidden])")).to_have_count(1)


def _read(text: str) -> float:
    return float(re.sub(r"[\s=()]", "", text).replace("−", "-"))


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


@pytest.mark.parametrize("digits", ["2", "4"])
def test_a_sum_of_paths_adds_up_as_it_is_printed(visit: Visit, digits: str) -> None:
    page = visit.open(MAZUR).page
    page.get_by_label("Digits").select_option(digits)
    _show(page, "w1.1.1")
    *parts, total = page.locator(".paths td").all_text_contents()
    assert len(parts) == 2
    assert (parts, total) == {
        "2": (["+0.00067", "−0.00023"], "+0.00044"),
        "4": (["+0.0006684", "−0.0002298"], "+0.0004386"),
    }[digits]
    last = 10.0 ** -_decimals(total)
    assert sum(map(_read, parts)) == pytest.approx(_read(total), abs=1.01 * last)
    expect(page.locator("[data-total] math > mn")).to_have_text(total)


def test_an_update_too_small_for_the_decimals_is_seen_in_the_new_value(visit: Visit) -> None:
    page = visit.open(MAZUR).page
    _show(page, "w1.1.1", "Gradient")
    formula = page.locator(".place").nth(3).locator(".right")
    written = [re.findall(r"\d\.\d+", text) for text in formula.all_text_contents()]
    assert written == [
        ["0.1500000", "0.0002193"],
        ["0.1500000", "0.5", "0.0004386"],
        ["0.1497807"],
    ]


@pytest.mark.parametrize(
    ("rate", "values"),
    [
        (0.5, "value 0.1500000, after the update 0.1497807"),
        (5e-9, "value 0.15, after the update 0.14999999999780717"),  # more decimals than a sum has
    ],
)
def test_a_weight_that_moved_is_seen_to_have_moved(visit: Visit, rate: float, values: str) -> None:
    page = visit.open({**MAZUR, "learning_rate": rate}).page
    _show(page, "w1.1.1")
    said = page.locator(".chosen .hint")
    expect(said).to_have_text("value 0.1500")
    page.get_by_role("button", name=re.compile("Update")).click()
    expect(said).to_have_text(values)
    words = page.locator("#voice").text_content() or ""
    [(way, before, after)] = re.findall(r"(falls|rises) from ([\d.]+) to ([\d.]+)\. Next", words)
    assert (float(before) > float(after)) == (way == "falls")
    assert before != after


def test_a_column_of_a_sum_has_one_number_of_decimals(visit: Visit) -> None:
    page = visit.open(MAZUR).page
    _show(page, "u1.1")
    bill = page.locator("#tab-body > div:not([hidden]) table").first
    column = bill.locator("tr td:last-child").all_text_contents()
    assert column == ["0.007500", "0.020000", "0.350000", "0.377500"]


@pytest.mark.parametrize("digits", ["2", "4", "all"])
def test_the_bars_of_a_gradient_have_one_scale(visit: Visit, digits: str) -> None:
    page = visit.open().page
    page.get_by_label("Digits").select_option(digits)
    _show(page, "w1.1.1", "Gradient")
    # All at once, and once they are seen: they are drawn anew when it is known why the largest is so.
    tracks = page.wait_for_function(
        """() => { const all = [...document.querySelectorAll(".bars .track")];
            const found = all.map((e) => e.getBoundingClientRect()).map(({ x, width }) => [x, width]);
            return found.length === 9 && found[0][1] > 100 ? found : null; }"""
    ).json_value()
    assert len(tracks) == 9
    assert tracks == [tracks[0]] * 9
    assert tracks[0][1] > 100
    numbers = page.locator(".bars .number").evaluate_all(
        "(all) => all.map((e) => Math.abs(Number(e.title.replace('−', '-'))))"
    )
    fills = page.locator(".bars .fill").evaluate_all(
        "(all) => all.map((e) => e.getBoundingClientRect().width)"
    )
    assert numbers[0] == max(numbers) > min(numbers)
    wanted = [tracks[0][1] * number / numbers[0] for number in numbers]
    assert fills == pytest.approx(wanted, abs=1)


def test_two_losses_are_told_apart_where_one_is_called_higher(visit: Visit) -> None:
    page = visit.open().page
    _show(page, "w1.3.1", "What if")
    handle = page.locator(".slice .now")
    handle.focus()
    page.keyboard.press("ArrowRight")
    said = page.locator(".said")
    expect(said).to_contain_text("than")
    numbers = re.findall(r"E = ([\d.]+), (higher|lower) than ([\d.]+)", said.inner_text())
    assert len(numbers) == 1
    (now, word, before) = numbers[0]
    assert (float(now) > float(before)) == (word == "higher")
    assert now != before


RIGHT: dict[str, Any] = {**HOUSE, "dataset": {**HOUSE["dataset"], "targets": [[1.5]]}}


def test_where_every_derivative_is_0_nothing_is_said_to_move(visit: Visit) -> None:
    page = visit.open(RIGHT).page
    page.get_by_role("button", name=re.compile("Update")).click()
    visit.at(0, 6)
    words = page.locator(".phase-words .sentence")
    expect(words).to_contain_text("Every partial derivative is 0: no weight moves.")
    expect(words).not_to_contain_text("moves most")


def test_the_curve_of_a_bias_that_is_not_trained_says_so(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _show(page, "b1.1", "What if")
    landings = page.locator(".landings")
    expect(landings).to_contain_text("not trained in this run")
    expect(landings.locator("tr")).to_have_count(0)
    visit.open(RIGHT)
    _show(page, "w1.1.1", "What if")
    expect(landings).to_contain_text("is 0: no learning rate moves it")
    expect(landings.locator("tr")).to_have_count(0)


def test_factors_that_are_equally_large_are_all_named(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _show(page, "w1.1.1", "Gradient")
    said = page.locator(".largest")
    expect(said).to_contain_text("The largest of them: w²₁₁ = +2.0000 and x₁ = +2.0000.")


def test_the_focus_stays_where_a_value_was_kept_or_taken_back(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _show(page, "w2.1.1", "What if")
    page.locator(".slice .now").focus()
    page.keyboard.press("PageUp")
    expect(page.locator(".trial-note")).to_be_visible()
    keep = page.locator("[data-key=keep]")
    page.keyboard.press("Tab")  # which lets go of the handle
    keep.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("w²₁₁")
    expect(keep).to_be_disabled()
    expect(keep).to_be_focused()
    page.keyboard.press("Enter")  # it is off: nothing is kept twice
    undo = page.get_by_role("button", name="Undo edit")
    undo.focus()
    page.keyboard.press("Enter")
    expect(undo).to_be_disabled()
    expect(undo).to_be_focused()
    assert httpx.get(visit.api).json()["edits"] == []


def test_a_number_is_read_as_the_page_writes_it(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _show(page, "w2.1.1", "What if")
    field = page.get_by_label("Set this parameter to")
    field.fill("−1e−3")
    field.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("w²₁₁ = −0.001")
    rate = page.get_by_role("textbox", name="Learning rate")
    rate.fill("5e−3")
    rate.press("Enter")
    expect(page.locator("#rate-error")).to_have_text("")
    expect(page.locator("#rate .edits")).to_contain_text("α = 0.005")


def test_a_value_that_is_refused_says_so_beside_its_field(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _show(page, "w2.1.1", "What if")
    field = page.get_by_label("Set this parameter to")
    field.fill("1.5")
    field.press("Enter")
    told = page.locator(".kept-words")
    expect(told).to_contain_text("Set: w²₁₁ = 1.5")
    field.fill("1e300")
    field.press("Enter")
    problem = page.locator("#slice-problem")
    expect(problem).to_contain_text("with which step 0 stays finite")
    expect(problem).to_contain_text("Not set:")
    expect(told).to_have_text("")
    expect(page.locator("#notices p")).to_have_count(0)  # it is said once
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("1.25")
    field.press("Enter")
    expect(told).to_contain_text("Set: w²₁₁ = 1.25")
    expect(problem).to_have_text("")


@pytest.mark.parametrize("leave", ["another weight", "another tab"])
def test_a_refusal_that_its_field_does_not_show_any_more_is_told_above(
    visit: Visit, wire: Wire, leave: str
) -> None:
    page = visit.open(HOUSE).page
    _show(page, "w2.1.1", "What if")
    wire.cut()
    expect(page.locator("#notices")).to_contain_text("The server restarts")
    field = page.get_by_label("Set this parameter to")
    field.fill("1e300")
    field.press("Enter")
    if leave == "another tab":
        page.get_by_role("tab", name="Chain rule").click()
    else:
        page.locator("#diagram [data-parameter='w1.1.1']").press("Enter")
    wire.mend()
    expect(page.locator("#notices")).to_contain_text("with which step 0 stays finite")


def test_what_is_waited_for_is_said_and_what_failed_too(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    held: list[Any] = []
    page.route(re.compile("/chain"), lambda route: held.append(route))
    page.get_by_role("combobox", name="Explain").fill("w2.1.3")
    page.get_by_role("button", name="Show", exact=True).click()
    waiting = page.locator(".waiting")
    expect(waiting).to_have_css("opacity", "1")
    expect(waiting).to_have_text("Waiting for the server …")
    held[0].abort()
    expect(page.get_by_role("alert").filter(has_text="No answer")).to_contain_text(
        "No answer: the server cannot be reached."
    )
    expect(waiting).to_be_hidden()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-result]")).to_be_visible()
    expect(waiting).to_be_hidden()
    visit.problems.clear()  # the browser reports the request that failed


def test_the_field_for_a_name_does_not_name_something_else(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _show(page, "w1.1.1")
    field = page.get_by_role("combobox", name="Explain")
    expect(field).to_have_value("w1.1.1")
    page.locator("#diagram [data-unit='1.2']").click()
    expect(page.locator(".chosen")).to_contain_text("hidden unit 2")
    expect(field).to_have_value("")
    field.fill("w9")
    field.press("Enter")
    expect(page.locator("#find-error")).to_contain_text("“w9” is not in this network")
    field.press("Escape")
    expect(field).to_have_value("")
    expect(page.locator("#find-error")).to_have_text("")
    expect(page.locator(".chosen")).to_be_visible()
    field.press("Escape")
    expect(page.locator(".chosen")).to_be_hidden()


IN_SIGHT = """() => { const body = document.querySelector('#tab-body').getBoundingClientRect();
  return [...document.querySelectorAll(`.slice, [aria-label="Wiggle h"], .quotient td, .said,
      [data-key=keep], [aria-label="Set this parameter to"], .landings tr`)]
    .filter((e) => !e.closest('[hidden]') && !e.closest('.landings'))
    .map((e) => [e.outerHTML.slice(0, 40), body.bottom - e.getBoundingClientRect().bottom])
    .filter(([, room]) => room < 0); }"""


@pytest.mark.parametrize("width", [1024, 1440])
def test_all_that_a_hand_does_to_a_curve_is_in_sight_at_once(
    browser: Browser, server: Server, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open()
    page = visit.page
    _show(page, "w1.1.1", "What if")
    wiggle = page.get_by_label("Wiggle h")
    for k in range(9):
        wiggle.fill(str(k))
        assert page.evaluate(IN_SIGHT) == []
    context.close()
    assert visit.problems == []


def test_the_secant_is_within_the_picture_and_called_by_its_name(visit: Visit) -> None:
    page = visit.open().page
    _show(page, "w1.1.1", "What if")
    expect(page.get_by_label("Wiggle h")).to_have_value("2")  # 0.1 is outside the view
    name = page.locator(".secant-name")
    expect(name).to_have_text("secant, h = 0.01")
    expect(name).to_be_visible()
    said = page.locator("#tab-body .hint").filter(has_text="Dashed: the tangent")
    expect(said).to_contain_text("Violet: the secant")
    expect(said).to_contain_text("0.1× under the point")
    page.get_by_role("button", name="Show the wide view").click()
    expect(name).to_have_text("secant, h = 1")
    page.get_by_role("button", name="Zoom to the update").click()
    expect(name).to_have_text("secant, h = 0.01")
    page.get_by_label("Wiggle h").fill("5")
    page.get_by_role("button", name="Show the wide view").click()
    expect(page.locator(".width")).to_have_text("0.00001")  # once chosen it stays


COVERED = """() => { const box = (e) => e.getBoundingClientRect();
  const name = box(document.querySelector('.secant-name'));
  const curve = document.querySelector('.slice .curve');
  const svg = document.querySelector('.slice');
  const places = Array.from({ length: 200 }, (_, k) => {
    const { x, y } = curve.getPointAtLength((k / 199) * curve.getTotalLength());
    return new DOMPoint(x, y).matrixTransform(svg.getScreenCTM()); });
  const others = [...document.querySelectorAll('.slice .end, .slice .mark *, .slice .now')].map(box);
  const meets = (b) => b.left < name.right && b.right > name.left && b.top < name.bottom && b.bottom > name.top;
  return [places.filter(({ x, y }) => meets({ left: x, right: x, top: y, bottom: y })).length,
    others.filter(meets).length]; }"""


@pytest.mark.parametrize("name", ["w1.1.1", "w1.2.3", "w1.3.1", "w2.1.1", "w2.3.1", "b2.1"])
def test_the_name_of_the_secant_covers_nothing(visit: Visit, name: str) -> None:
    page = visit.open().page
    _show(page, name, "What if")
    for k in range(6):
        page.get_by_label("Wiggle h").fill(str(k))
        if page.locator(".secant-name[visibility=hidden]").count() == 0:
            assert page.evaluate(COVERED) == [0, 0], k
    assert page.locator(".secant-name[visibility=hidden]").count() == 0


def test_a_finger_beside_the_handle_scrolls_the_page(browser: Browser, server: Server) -> None:
    visit = on_a_phone(browser, server).open()
    page = visit.page
    _show(page, "w1.1.1", "What if")
    expect(page.locator(".slice")).to_have_css("touch-action", "pan-y")
    expect(page.locator(".slice .now")).to_have_css("touch-action", "none")
    tried: list[str] = []
    page.on("request", lambda request: "/trial" in request.url and tried.append(request.url))
    touch = page.context.new_cdp_session(page)
    page.locator(".slice").evaluate("(e) => e.scrollIntoView({ block: 'center' })")
    box = page.locator(".slice").bounding_box()
    assert box
    at = {"x": box["x"] + 0.9 * box["width"], "y": box["y"] + 20}
    before = page.evaluate("scrollY")
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    for k in range(1, 8):
        move = {"type": "touchMove", "touchPoints": [{**at, "y": at["y"] - 15 * k}]}
        touch.send("Input.dispatchTouchEvent", move)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("(before) => scrollY > before + 40", arg=before)
    assert tried == []
    page.context.close()
    assert visit.problems == []


TOLD = """async (pairs) => {
  const { told } = await import('/static/js/views/slice.js');
  return pairs.map((pair) => told(pair)); }"""
DIVERGED = """async () => {
  const { divergedText } = await import('/static/js/core/link.js');
  return [divergedText(5), divergedText()]; }"""


def test_powers_and_long_digits_stand_only_where_nothing_shorter_does(visit: Visit) -> None:
    page = visit.open(MAZUR).page
    flat = [2.16951508044990e278, 2.16951508044991e278]
    assert page.evaluate(TOLD, [flat, [0.5641, 0.5644]]) == [
        ["2.2e278", "2.2e278"],
        ["0.5641", "0.5644"],
    ]
    at, here = page.evaluate(DIVERGED)
    assert at.startswith("The run diverges: step 5 is the last whose numbers are all finite.")
    assert here.startswith("The run diverges: this step is the last whose numbers are all finite.")
    _show(page, "w1.1.1", "Gradient")
    expect(page.locator(".place").nth(1).locator("dd").filter(has_text="%")).to_have_text(
        "0.001316 %"
    )


DEAD: dict[str, Any] = {
    "dataset": {"inputs": [[1.0, 2.0]], "targets": [[1.0]]},
    "initial": {"weights": [[[-0.5, 0.5], [-0.5, 0.5]], [[1.0], [1.0]]], "biases": [[0, 0], [0]]},
    "layers": [{"units": 2, "activation": "relu"}, {"units": 1, "activation": "identity"}],
}


def test_a_derivative_of_0_says_which_factor_makes_it_so(visit: Visit) -> None:
    page = visit.open(DEAD).page
    _show(page, "w1.1.1")
    expect(page.locator(".result")).to_contain_text("④ is 0: h₁ is off for this example")
    visit.open(RIGHT)
    _show(page, "w1.1.1")
    expect(page.locator(".result")).to_contain_text("① is 0: ŷ is exactly right")


def test_a_folded_delta_of_0_is_not_said_to_get_nothing_where_its_unit_is_off(visit: Visit) -> None:
    """What comes back to the unit is no 0: its own slope is."""
    rng = np.random.default_rng(2)
    shape = (3, 6, 17, 17)
    weights = [rng.normal(size=pair) for pair in pairwise(shape)]
    weights[0][:, 1] = -1.0
    spec = {
        "dataset": {"inputs": [[1.0, 0.5, 0.2]], "targets": [rng.normal(size=17).tolist()]},
        "layers": [
            {"units": 6, "activation": "relu"},
            {"units": 17, "activation": "relu"},
            {"units": 17, "activation": "identity"},
        ],
        "initial": {
            "weights": [w.tolist() for w in weights],
            "biases": [[0.0] * units for units in shape[1:]],
        },
    }
    page = visit.open(spec).page
    _show(page, "w1.1.2")
    expect(page.locator(".result").first).to_contain_text("① is 0: h¹₂ is off for this example")
    expect(page.locator("#tab-body")).not_to_contain_text("comes back to")


def test_the_delta_of_one_example_of_a_batch_is_called_so(visit: Visit) -> None:
    for batch, loss in ((2, "Eₖ"), (1, "E")):
        page = visit.open({**NON_SQUARE, "batch_size": batch}).page
        _show(page, "u3.1")
        body = page.locator("#tab-body")
        expect(body).to_contain_text(f"What its δ = ∂{loss}/∂z is made of")
        expect(body).to_contain_text(f"the error's slope, ∂{loss}/∂z")
        page.get_by_role("button", name="Table view").click()
        heads = page.get_by_role("region", name="Units").locator("thead th")
        expect(heads.last).to_have_text(f"δ = ∂{loss}/∂z")
        page.get_by_role("button", name="Table view").click()


def test_a_kink_is_told_of_one_example_of_a_batch_too(visit: Visit) -> None:
    data = {"inputs": [[1.0, 2.0], [0.5, -3.0]], "targets": [[1.0], [2.0]]}
    weights = [[[0, 1], [0, 1]], [[1], [1]]]
    initial = {**DEAD["initial"], "weights": weights}
    page = visit.open(
        {**DEAD, "dataset": data, "initial": initial, "shuffle": False, "batch_size": 2}
    ).page
    words = page.locator(".result .hint").first
    _show(page, "w1.1.1")
    expect(words).to_have_text(re.compile("^for this example; at a ReLU's kink"))
    _show(page, "w1.1.2")
    expect(words).to_have_text("for this example")


# Far from 0 a sigmoid hands on little: twice that is less than a number holds.
FAINT: dict[str, Any] = {
    "dataset": {"inputs": [[1e-20]], "targets": [[0.0]]},
    "layers": [{"units": 1, "activation": "sigmoid"}] * 2,
    "initial": {"weights": [[[1.0]], [[1.0]]], "biases": [[-700.0], [-10.0]]},
}


def test_a_product_that_is_too_small_for_a_number_has_no_factor_called_0(visit: Visit) -> None:
    page = visit.open(FAINT).page
    words = page.locator(".result .hint").first
    _show(page, "w1.1.1")
    values = page.locator(".factor[data-value]").evaluate_all(
        "(all) => all.map((e) => Number(e.dataset.value))"
    )
    assert 0 not in values
    expect(words).to_have_text("too small for a number: it is kept as 0")
    # In float32 the factors' product is a number, and the run's own is none.
    visit.open(
        {
            **FAINT,
            "precision": "float32",
            "initial": {**FAINT["initial"], "biases": [[-80.0], [-10.0]]},
        }
    )
    _show(page, "w1.1.1")
    expect(words).to_have_text("it does not move; rounded to float32 the run has 0")


ZERO = """async ([precision, delta, weight, biases, target]) => {
  const { zeroOf } = await import('/static/js/views/zeros.js');
  const layout = { sizes: [1, 1, 1], activations: ['sigmoid', 'sigmoid'], loss: 'half_squared_error',
    precision, parameters: [0, 1, 2, 3].map((offset) => ({ offset, shape: [1, 1] })) };
  const frame = { parameters: [1, 0, weight, 0], z: [1, 1], a: [0.5, biases], delta: [0, delta], targets: [target] };
  const of = (at) => zeroOf({ layout, frame }, [{ number: 1, kind: 'delta', at, raw: 0 }], 0);
  return [of('1.1'), of('2.1')]; }"""
SMALL = "too small for a number: it is kept as 0"


@pytest.mark.parametrize(
    ("precision", "delta", "weight", "a", "hidden", "output"),
    [
        ("float64", 0, 2, 0.5, "what comes back to h₁ adds up to 0", "ŷ is exactly right"),
        (
            "float64",
            1e-200,
            1e-200,
            1e-200,
            f"what comes back to h₁ times its slope is {SMALL}",
            f"its error times its slope is {SMALL}",
        ),
        (
            "float32",
            1e-30,
            1e-30,
            0.25,
            f"what comes back to h₁ times its slope is {SMALL}",
            f"its error times its slope is {SMALL}",
        ),
        (
            "float64",
            1e-30,
            1e-30,
            1,
            "what comes back to h₁ adds up to 0",
            "ŷ is saturated, its sigmoid is flat",
        ),
    ],
)
def test_a_delta_that_is_too_small_is_not_said_to_be_right(
    page: Page, precision: str, delta: float, weight: float, a: float, hidden: str, output: str
) -> None:
    found = page.evaluate(ZERO, [precision, delta, weight, a, 0.5])
    assert found == [f"① is 0: {hidden}", f"① is 0: {output}"]


@pytest.mark.parametrize(
    ("targets", "biases", "why"),
    [
        ([0, 0], [0.5, -0.25], "ŷ₁ · Σy − y₁ is 0"),
        ([1, 1], [0, 0], "ŷ₁ · Σy − y₁ is 0"),
        ([0.5, 0.5], [0, 0], "ŷ₁ is exactly right"),
    ],
)
def test_a_share_that_is_asked_for_is_not_called_the_target(
    visit: Visit, targets: list[float], biases: list[float], why: str
) -> None:
    spec = {
        "dataset": {"inputs": [[1.0]], "targets": [targets]},
        "layers": [{"units": 2, "activation": "softmax"}],
        "loss": "categorical_cross_entropy",
        "initial": {"weights": [[[0, 0]]], "biases": [biases]},
    }
    page = visit.open(spec).page
    _show(page, "w1.1.1")
    expect(page.locator(".result .hint").first).to_have_text(f"① is 0: {why}")


def test_a_unit_at_a_kink_says_so_under_its_curve(visit: Visit) -> None:
    spec = {**DEAD, "initial": {**DEAD["initial"], "weights": [[[0, 1], [0, 1]], [[1], [1]]]}}
    page = visit.open(spec).page
    _show(page, "u1.1")
    caption = page.locator("#tab-body figcaption").filter(has_text="the dashed line")
    expect(caption).to_contain_text("z = 0 is the kink: the slope is taken as 0, that of the left")
    _show(page, "u1.2")
    expect(caption).not_to_contain_text("kink")


LOSSES: dict[str, tuple[dict[str, Any], str]] = {
    "half squares": (MAZUR, "½ · ((+0.7414)² + (−0.2171)²)"),
    "squares": ({**MAZUR, "loss": "mean_squared_error"}, "½ · ((+0.7414)² + (−0.2171)²)"),
    "yes or no": (
        {
            **MAZUR,
            "loss": "binary_cross_entropy",
            "dataset": {"inputs": [[0.05, 0.1]], "targets": [[1, 0]]},
        },
        "−½ · (ln(0.75137) + ln(0.22707))",
    ),
    "classes": (
        {
            **MAZUR,
            "loss": "categorical_cross_entropy",
            "layers": [
                {"units": 2, "activation": "sigmoid"},
                {"units": 2, "activation": "softmax"},
            ],
            "dataset": {"inputs": [[0.05, 0.1]], "targets": [[0.25, 0.75]]},
        },
        "−(0.2500 · ln(0.4703) + 0.7500 · ln(0.5297))",
    ),
}
WRITTEN = """async () => {
  const { toText } = await import('/static/js/core/notation.js');
  const treeOf = (node) => node.nodeType === Node.TEXT_NODE ? node.data
    : [node.localName, Object.fromEntries([...node.attributes].map((a) => [a.name, a.value])),
      ...[...node.childNodes].map(treeOf)];
  return [...document.querySelectorAll('.phase-words math')].map((math) => toText(treeOf(math))); }"""


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_of_several_outputs_can_be_redone_by_hand(visit: Visit, name: str) -> None:
    spec, term = LOSSES[name]
    page = visit.open(spec).page
    page.get_by_role("button", name="Phase 3: Error").click()
    visit.at(0, 3)
    texts = page.evaluate(WRITTEN)
    assert term in texts[1]
    assert contradictions(page.locator(".phase-words").inner_html()) == []
    assert _read(texts[1].splitlines()[-1]) == pytest.approx(visit.step(0)["loss"], abs=5e-5)


def _saturated(
    biases: list[float], targets: list[float], rows: int = 2, **more: Any
) -> dict[str, Any]:
    """Outputs whose z are their biases, in a batch of equal rows."""
    units = len(targets)
    kind = ("sigmoid", "binary") if units == 1 else ("softmax", "categorical")
    return {
        "dataset": {"inputs": [[1.0]] * rows, "targets": [targets] * rows},
        "layers": [{"units": units, "activation": kind[0]}],
        "loss": f"{kind[1]}_cross_entropy",
        "initial": {"weights": [[[0.0] * units]], "biases": [biases]},
        "batch_size": rows,
        **more,
    }


SATURATED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no, said yes": (
        _saturated([35.5], [0]),
        ["ln(1 + e^(z¹₁)) − y · z¹₁", "ln(1 + e^(−35.50)) + 35.50", "35.50"],
    ),
    "no, said yes in float32": (
        _saturated([15.5], [0], precision="float32"),
        ["ln(1 + e^(z¹₁)) − y · z¹₁", "ln(1 + e^(−15.50)) + 15.50", "15.50"],
    ),
    "yes, said no for certain": (
        _saturated([-800], [1], rows=1),
        ["ln(1 + e^(z¹₁)) − y · z¹₁", "ln(1 + e^(−800.00)) + 800.00", "800.00"],
    ),
    "yes, nearly": (_saturated([6], [1]), ["−ln(0.9975)", "0.0025"]),
    "between": (
        _saturated([0.5], [0.25]),
        ["−(0.25 · ln(0.62) + 0.75 · ln(0.38))", "0.85"],
    ),
    "another class for certain": (
        _saturated([800, 0], [0, 1]),
        [
            "∑ⱼ yⱼ · (ln(∑ₖ e^(z¹ₖ − z¹ₘₐₓ)) + z¹ₘₐₓ − z¹ⱼ)",
            "ln(1.00) + 800.00",
            "800.00",
        ],
    ),
}


@pytest.mark.parametrize("name", SATURATED)
def test_the_loss_of_a_saturated_output_comes_out_of_its_formula(visit: Visit, name: str) -> None:
    spec, lines = SATURATED[name]
    page = visit.open(spec).page
    page.get_by_label("Digits").select_option("2")
    page.get_by_role("button", name="Error").click()
    visit.at(0, 2)
    texts = page.evaluate(WRITTEN)
    own = [re.split(" [=≈] ", line)[1] for line in texts[1].splitlines()]
    assert own[1:] == lines
    assert contradictions(page.locator(".phase-words").inner_html()) == []
    if spec["batch_size"] > 1:
        assert texts[2] == f"E = {lines[-1]}"


def test_of_many_outputs_the_first_terms_are_shown(visit: Visit) -> None:
    data = {"inputs": [[0.5]] * 2, "targets": [[0.1 * k for k in range(9)]] * 2}
    page = visit.open(
        {"dataset": data, "layers": [{"units": 9, "activation": "tanh"}], "batch_size": 2}
    ).page
    page.get_by_role("button", name="Error").click()
    visit.at(0, 2)
    _, own, mean = page.evaluate(WRITTEN)
    assert own.startswith("Eₖ = ½ · ∑ⱼ (ŷⱼ − yⱼ)²")
    assert "+ …" in own
    assert _read(own.splitlines()[-1]) == _read(mean.splitlines()[-1].removeprefix("E"))


def test_nothing_is_said_twice_and_counts_agree(visit: Visit) -> None:
    page = visit.open().page
    _show(page, "u1.1")
    body = page.locator("#tab-body")
    expect(body.locator("div:not([hidden]) > section > h3").nth(1)).to_have_text(
        "Its activation, tanh"
    )
    expect(body).not_to_contain_text("then its activation")
    _show(page, "u0.1")
    expect(page.locator(".chosen")).to_contain_text("input: living area")
    assert (body.inner_text()).count("What the network sees") == 1
    visit.open(HOUSE)
    _show(page, "w1.1.1", "Gradient")
    expect(body).to_contain_text("The 3 partial derivatives of what is trained, as one vector.")
    page.get_by_role("tab", name="Proof").click()
    expect(page.get_by_role("button", name="Check all 5")).to_be_visible()
    expect(body).to_contain_text("with the 2 biases that are not trained")


def test_the_mean_of_a_large_batch_is_in_sight(visit: Visit) -> None:
    page = visit.open({"batch_size": 64}).page
    _show(page, "w1.1.1")
    region = page.get_by_role("region", name="Derivatives of the batch")
    expect(region.locator("tbody tr")).to_have_count(64)
    scroll, mean = region.bounding_box(), region.locator("tfoot th").bounding_box()
    assert scroll
    assert mean
    assert mean["y"] + mean["height"] <= scroll["y"] + scroll["height"] + 1
    assert region.evaluate("(e) => e.scrollTop") == 0


def test_an_opened_delta_is_called_what_it_is(visit: Visit) -> None:
    page = visit.open(WIDE).page
    _show(page, "w1.2.3")
    terms = page.locator(".terms li math")
    expect(terms.first).to_contain_text("z31")  # f′(z¹₃): of the unit that is explained
    opener = page.locator(".terms li").first.get_by_role("button", name="Open δ of")
    unit = (opener.text_content() or "").removeprefix("open δ of ").removesuffix(" ›")
    opener.click()
    expect(page.locator(".crumbs")).to_contain_text(f"δ of {unit}")
    symbol = "b" + unit.removeprefix("h")
    said = page.locator("#tab-body .result .hint").last
    expect(said).to_have_text(re.compile(rf"^δ of {unit} \(= ∂E/∂{symbol}\)"))
    for word in ("must fall", "must rise"):
        expect(page.locator("#tab-body")).not_to_contain_text(word)


def test_the_contours_are_told_in_words_too(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _show(page, "w2.1.1", "Two weights")
    words = page.locator("#tab-body > div:not([hidden]) [role=status]")
    expect(words).to_contain_text("E = 0.1250 at w²₁₁ = 2.0000, w¹₁₁ = 0.2500.")
    expect(words).to_contain_text("∂E/∂w²₁₁ = +0.3750, ∂E/∂w¹₁₁ = +2.0000")
    expect(words).to_contain_text("The update goes to w²₁₁ = 1.9812, w¹₁₁ = 0.1500.")
    visit.open(RIGHT)
    _show(page, "w2.1.1", "Two weights")
    expect(words).to_contain_text("Nothing moves these two: there is no arrow of an update.")
    names = page.frame_locator("iframe[title='The loss over two parameters']").locator(
        ".legendtext"
    )
    expect(names).to_have_text(["run so far", "now", "next point"])


@pytest.mark.parametrize(
    ("x", "rate", "said"),
    [
        (1, 1e-4, "w²₁₁ = 0.9999, too short a way for an arrow here. Contours"),
        (1, 0.05, "w²₁₁ = 0.9500. Contours"),
        (3e76, 1e-76, "w²₁₁ = −9.000e76, beyond the picture. Contours"),
    ],
)
def test_words_tell_what_is_not_seen_of_an_update(
    visit: Visit, x: float, rate: float, said: str
) -> None:
    spec = {
        "dataset": {"inputs": [[x]], "targets": [[0]]},
        "layers": [{"units": 1, "activation": "identity"}] * 2,
        "initial": {"weights": [[[1]], [[1]]], "biases": [[0], [0]]},
        "learning_rate": rate,
        "train_biases": False,
    }
    page = visit.open(spec).page
    _show(page, "w1.1.1", "Two weights")
    words = page.locator("#tab-body > div:not([hidden]) [role=status]")
    expect(words).to_contain_text(said)


def test_a_finger_on_the_contours_scrolls_the_page(browser: Browser, server: Server) -> None:
    visit = on_a_phone(browser, server).open(HOUSE)
    page = visit.page
    _show(page, "w2.1.1", "Two weights")
    frame = page.frame_locator("iframe[title='The loss over two parameters']")
    expect(frame.locator("#surface .contourlayer .contour")).to_be_attached()
    page.locator(".surface").evaluate("(e) => e.scrollIntoView({ block: 'center' })")
    box = page.locator(".surface").bounding_box()
    assert box
    at = {"x": box["x"] + 0.5 * box["width"], "y": box["y"] + 0.6 * box["height"]}
    before = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    for k in range(1, 8):
        move = {"type": "touchMove", "touchPoints": [{**at, "y": at["y"] - 15 * k}]}
        touch.send("Input.dispatchTouchEvent", move)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("(before) => scrollY > before + 40", arg=before)
    page.context.close()
    assert visit.problems == []


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_the_contours_are_as_wide_as_the_panel(
    browser: Browser, server: Server, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open(HOUSE)
    page = visit.page
    _show(page, "w2.1.1", "Two weights")
    frame = page.locator(".surface iframe").bounding_box()
    body = page.locator("#tab-body > div:not([hidden])").bounding_box()
    assert frame
    assert body
    assert frame["width"] == pytest.approx(body["width"], abs=1)
    assert frame["height"] > 270
    context.close()
    assert visit.problems == []


def test_the_errors_of_all_outputs_are_told(visit: Visit) -> None:
    page = visit.open(MAZUR).page
    page.get_by_role("button", name="Phase 3: Error").click()
    visit.at(0, 3)
    found = visit.step(0)
    for k, (said, true) in enumerate(zip(found["prediction"], found["targets"], strict=True)):
        words = f"{'ŷ₁ŷ₂'[2 * k : 2 * k + 2]} is too {'high' if said > true else 'low'} by"
        expect(page.locator(".sentence")).to_contain_text(f"{words} {abs(said - true):.4f}")
    expect(page.locator(".sentence")).not_to_contain_text("This error is all")
