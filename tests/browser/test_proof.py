"""Proof, the gradient and two weights at once: what is told of every parameter, in the page."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from app.timeline.presets import HOUSE
from tests.browser.conftest import Visit
from tests.browser.explaining import (
    CLASSES,
    as_number,
    chain_of,
    click_on,
    drawn,
    expect_chain,
    explain,
    wait_for,
)
from tests.browser.test_journeys import NON_SQUARE
from tests.mathml import contradictions, equations

YES_OR_NO: dict[str, Any] = {
    "dataset": {"inputs": [[0.3, -1.2], [1.1, 0.4]], "targets": [[1, 0], [0, 1]]},
    "layers": [{"units": 3, "activation": "sigmoid"}, {"units": 2, "activation": "sigmoid"}],
    "loss": "binary_cross_entropy",
}


SQUARES: dict[str, Any] = {**NON_SQUARE, "loss": "mean_squared_error"}


SQUARES["layers"] = [{"units": 3, "activation": "tanh"}, {"units": 2, "activation": "tanh"}]


GAPS = """async () => {
  const { gapText } = await import('/static/js/views/proof.js');
  return [0, -0.00032, 1.5, -0.1, 3.2e-10].map((gap) => gapText(gap)); }"""


def test_every_parameter_is_proved_on_the_spot(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    assert page.evaluate(GAPS) == ["0", "−0.00032", "1.50", "−0.10", "3.2e−10"]
    click_on(page, "w1.2.3")
    page.get_by_role("tab", name="Proof").click()
    expect(page.locator(".proof[data-agrees=true]")).to_have_count(2)
    page.get_by_role("button", name="Check all 35").click()
    expect(page.locator("#tab-body")).to_contain_text("35 of 35 agree, worst gap")
    visit.click("Step forward")
    visit.at(1, 0)
    expect(page.get_by_role("button", name="Check all 35")).to_be_visible()


def test_what_rounding_hides_is_not_counted_as_agreeing(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    worst = {"parameter": "w1.1.1", "relative_gap": 9e-7}
    lists = {"different": [], "kinks": [], "overflows": [], "rounding": ["b1.1", "b1.2"]}
    part = {"checked": 20, "agree": 20, "worst": worst, **lists}
    answers = [{**part, "next": 20}, None, {**part, "next": None}]
    answers[2] |= {"rounding": ["b1.3"], "worst": {"parameter": None, "relative_gap": 0}}

    def answer(route: Any) -> None:
        found = answers.pop(0)
        if found:  # the one that is cancelled is never answered
            route.fulfill(json=found)

    page.route(re.compile(r"/check\?"), answer)
    click_on(page, "w1.2.3")
    page.get_by_role("tab", name="Proof").click()
    page.get_by_role("button", name="Check all").click()
    expect(page.get_by_text("20 of 35")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    told = page.locator("#tab-body")
    expect(told).to_contain_text(
        "Cancelled after 20: 18 of 20 agree, worst gap 9e−7 (w¹₁₁); 2 prove nothing."
    )
    expect(told).to_contain_text("within what rounding does to losses of this size: b¹₁, b¹₂")
    page.get_by_role("button", name="Start again").click()
    expect(told).to_contain_text("19 of 20 agree; 1 proves nothing.")
    expect(told).not_to_contain_text("of these only")


def test_a_proof_of_large_losses_has_the_digits_that_it_takes(visit: Visit) -> None:
    spec = {
        "dataset": {"inputs": [[2000.0, 3.0]], "targets": [[150_000.0]]},
        "initial": {"weights": [[[20.0], [1.0]]], "biases": [[0.0]]},
        "layers": [{"units": 1, "activation": "identity"}],
        "learning_rate": 1e-9,
    }
    page = visit.open(spec).page
    explain(page, "w1.1.1")
    page.get_by_role("tab", name="Proof").click()
    quotient = page.locator(".proof mtable").nth(1).locator("mn")
    expect(quotient.last).to_be_visible()
    *_, above, below, width, slope = map(as_number, quotient.all_text_contents())
    assert (above - below) / width == pytest.approx(slope, rel=1e-5)


def test_an_update_that_is_lost_in_the_last_digit_is_told_and_proves_nothing(visit: Visit) -> None:
    one = {"units": 1, "activation": "identity"}
    spec = {
        "dataset": {"inputs": [[1.0]], "targets": [[0.0]]},
        "initial": {"weights": [[[17.0]], [[1.0]]], "biases": [[0.0], [0.0]]},
        "layers": [{"units": 1, "activation": "tanh"}, one],
        "learning_rate": 0.05,
        "train_biases": False,
    }
    page = visit.open(spec).page
    explain(page, "w1.1.1")
    page.get_by_role("tab", name="Proof").click()
    expect(page.locator(".proof")).to_contain_text("No proof either way")
    page.get_by_role("tab", name="Gradient").click()
    update, new = page.locator(".place").nth(2), page.locator(".place").nth(3)
    expect(update).to_contain_text("−3.442e−16")
    expect(new).to_contain_text("less than the last digit, so that nothing moves")
    assert contradictions(update.inner_html() + new.inner_html()) == []
    page.get_by_role("tab", name="Two weights").click()
    page.get_by_label("Second parameter").fill("b1.1")
    page.keyboard.press("Enter")
    expect(page.locator("#tab-body")).to_contain_text("less than the last digit of these two")


def test_at_a_kink_the_proof_gives_no_number(visit: Visit) -> None:
    spec = {
        "dataset": {"inputs": [[1.0]], "targets": [[1.0]]},
        "initial": {"weights": [[[0.0]], [[1.0]]], "biases": [[0.0], [0.0]]},
        "layers": [{"units": 1, "activation": "relu"}, {"units": 1, "activation": "identity"}],
    }
    page = visit.open(spec).page
    click_on(page, "w1.1.1")
    page.get_by_role("tab", name="Proof").click()
    expect(page.locator(".proof")).to_contain_text("so there is no number")
    expect(page.locator(".proof math")).to_have_count(0)
    page.get_by_role("button", name="Check all").click()
    expect(page.locator("#tab-body")).to_contain_text("2 at a kink of ReLU")


def test_a_large_check_shows_progress_and_can_be_cancelled(visit: Visit) -> None:
    rng = np.random.default_rng(1)
    data = {
        "inputs": rng.normal(size=(8, 60)).tolist(),
        "targets": rng.normal(size=(8, 5)).tolist(),
    }
    layers = [{"units": 300, "activation": "tanh"}, {"units": 5, "activation": "identity"}]
    page = visit.open(
        {"dataset": data, "layers": layers, "batch_size": 8, "learning_rate": 1e-3}
    ).page
    # The first of many parts is answered, no other: a fast server would be done before the click.
    parts: list[Any] = []
    page.route(
        re.compile(r"/check\?"),
        lambda route: parts.append(route) or (route.continue_() if len(parts) == 1 else None),
    )
    explain(page, "w2.7.3")
    page.get_by_role("tab", name="Proof").click()
    page.get_by_role("button", name="Check all 19,805").click()
    expect(page.get_by_label("Checked")).to_be_visible()
    wait_for(page, parts, 2)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#tab-body")).to_contain_text(re.compile("Cancelled after [1-9]"))


def test_four_things_in_four_places(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    click_on(page, "w2.1.1")
    page.get_by_role("tab", name="Gradient").click()
    places = page.locator(".place")
    expect(places).to_have_count(4)
    expect(places.nth(0)).to_contain_text("+0.3750")
    expect(places.nth(1)).to_contain_text("2.2673")  # |(2, 1, 0.375)|
    expect(places.nth(1)).to_contain_text("3 of 3")
    expect(places.nth(1)).to_contain_text("2.736 %")
    expect(places.nth(1)).to_contain_text("The largest is w¹₁₁")
    expect(places.nth(2)).to_contain_text("−0.01875")
    expect(places.nth(3)).to_contain_text("1.98125")


def test_the_largest_partial_derivative_is_explained_by_what_made_it_large(visit: Visit) -> None:
    page = visit.open({**NON_SQUARE, "batch_size": 4}).page
    found = chain_of(visit, "w1.1.1")
    largest, example = (found["gradient"][key] for key in ("largest", "largest_example"))
    assert largest[0] == "b", "a bias of an output: its factors are the error, 1 and 1"
    explain(page, "w1.1.1")
    page.get_by_role("tab", name="Gradient").click()
    said = page.locator(".largest")
    expect(said).to_contain_text(f"Example {example + 1} contributes most")
    mean, factors = said.locator("math").all()
    found = chain_of(visit, largest, 0, example)
    shown = [as_number(number) for number in mean.locator("mn").all_text_contents()]
    assert shown[4:8] == pytest.approx(found["examples"], abs=5e-5)
    assert shown[-1] == pytest.approx(found["batch_derivative"], abs=5e-5)
    assert contradictions(said.inner_html()) == []
    assert [
        as_number(number) for number in factors.locator("mn").all_text_contents()
    ] == pytest.approx([found["derivative"], 1, 1, found["derivative"]], abs=5e-5)
    expect(said).to_contain_text(re.compile("All of it comes from ∂Eₖ/∂ŷ[₁₂] = "))


def test_components_left_out_are_those_it_is_said(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    layers = visit.step(0)["layers"]
    sizes: list[float] = []
    for layer in layers:
        sizes += [abs(number) for row in layer["weight_gradients"] for number in row]
        sizes += map(abs, layer["bias_gradients"])
    own = abs(layers[0]["weight_gradients"][1][2])
    larger = sum(size > own for size in sizes)
    assert 9 < larger < 34
    explain(page, "w1.2.3")
    page.get_by_role("tab", name="Gradient").click()
    expect(page.locator(".bars li")).to_have_count(9)
    expect(page.locator(".bars li").nth(7)).to_have_text(f"…{larger - 7} between")
    expect(page.locator(".bars li").last).to_contain_text("w¹₂₃")
    expect(page.locator(".place").nth(1)).to_contain_text(
        f"{34 - larger} more, none of them larger"
    )


def test_where_nothing_moves_no_component_is_called_the_largest(visit: Visit) -> None:
    data = {"inputs": [[1, 2], [3, 4]], "targets": [[0], [0]]}
    still = {"dataset": data, "initial": {"scheme": "zeros"}, "batch_size": 2}
    page = visit.open(still).page
    explain(page, "w1.1.1")
    page.get_by_role("tab", name="Gradient").click()
    expect(page.get_by_text("All of them are 0: nothing will move.")).to_be_visible()
    expect(page.locator(".largest")).to_have_count(0)
    explain(page, "b9.1")
    expect(page.get_by_role("alert").filter(has_text="b9.1")).to_contain_text(
        "there are b1.1 to b1.3, b2.1"
    )
    assert visit.problems == []


def test_two_weights_at_once(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    assert page.evaluate("typeof Plotly") == "undefined"
    click_on(page, "w2.1.1")
    page.get_by_role("tab", name="Two weights").click()
    frame = page.frame_locator("iframe[title='The loss over two parameters']")
    expect(frame.locator("#surface .contourlayer .contour")).to_be_attached()
    expect(frame.locator("#surface .legendtext")).to_have_text(
        ["run so far", "now", "next point", "gradient, uphill", "update"]
    )
    expect(page.get_by_role("tabpanel")).to_contain_text("its length not to scale")
    expect(frame.locator("#surface .contourlayer")).to_have_css("opacity", "1")
    scroller = page.get_by_role("tabpanel").bounding_box()
    axis = frame.locator("#surface .xtitle").bounding_box()
    assert axis
    assert scroller
    assert axis["y"] + axis["height"] < scroller["y"] + scroller["height"]  # seen as a whole
    field = page.get_by_label("Second parameter")
    some = "there are w1.1.1 to w1.2.1, w2.1.1; b1.1, b2.1"
    for text, answer in (
        ("w7.1.1", "there are w1.1.1 to"),
        ("w2.1.1", "another than the first"),
        ("foo", f"“foo”: {some}"),
        ("x1", f"“x1”: {some}"),  # of parameters only
    ):
        field.fill(text)
        field.press("Enter")
        expect(page.get_by_role("alert").filter(has_text=answer)).to_be_visible()
    field.fill("w1.2.1")
    field.press("Enter")
    expect(frame.locator("#surface .ytitle")).to_have_text("w¹₂₁")


def test_contours_that_are_still_loading_say_so_and_those_that_never_come_say_why(
    visit: Visit,
) -> None:
    page, held = visit.open(HOUSE).page, list[Any]()
    page.route(re.compile("/surface"), lambda route: held.append(route))
    click_on(page, "w2.1.1")
    page.get_by_role("tab", name="Two weights").click()
    panel = page.get_by_role("tabpanel")
    expect(panel.locator(".loading")).to_be_visible()
    expect(panel.get_by_role("status")).to_have_text(re.compile("loaded now"))
    frame = page.frame_locator("iframe[title='The loss over two parameters']")
    expect(frame.locator("#surface")).to_be_attached()
    wait_for(page, held)
    held.pop().abort()
    expect(panel.get_by_role("status")).to_have_text("No contours: the server cannot be reached")
    expect(panel.get_by_role("status")).to_be_in_viewport()
    expect(panel.locator(".loading")).to_be_hidden()
    page.unroute_all()
    panel.get_by_role("button", name="Try again").press("Enter")
    expect(page.get_by_label("Second parameter")).to_be_focused()
    expect(frame.locator("#surface .contourlayer .contour")).to_be_visible()
    expect(panel.get_by_role("button", name="Try again")).to_be_hidden()
    expect(panel.locator(".loading")).to_be_hidden()
    visit.problems.clear()  # the browser names what did not come


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (NON_SQUARE, ["w1.2.3", "b2.1", "w3.3.2", "u1.2", "u2.3", "u3.1"]),
        (CLASSES, ["w1.3.4", "w2.4.2", "b2.3", "u1.1", "u2.2"]),
        (YES_OR_NO, ["w1.1.3", "w2.2.1", "u1.3", "u2.1"]),
        (SQUARES, ["w1.1.2", "w2.3.1", "u1.1", "u2.2"]),
        (HOUSE, ["w1.2.1", "w2.1.1", "b1.1", "u0.2", "u1.1", "u2.1"]),
    ],
    ids=["half squares", "classes", "yes or no", "squares", "house"],
)
def test_every_formula_agrees_with_its_own_numbers(
    visit: Visit, spec: Any, names: list[str]
) -> None:
    page = visit.open(spec).page
    shown = page.locator("#tab-body > div:not([hidden])")
    for name in names:
        explain(page, name)
        if name[0] == "u":
            expect(shown.locator("h3").first).to_be_visible()
            _check_shown(page)
            continue
        expect_chain(page, chain_of(visit, name))
        for digits in DIGITS:
            _choose_digits(page, digits)
            _check_chain(page, digits)
        for tab, word in (("Proof", "By two forward passes"), ("Gradient", "its factors")):
            page.get_by_role("tab", name=tab).click()
            expect(shown).to_contain_text(word)
            _check_shown(page)
        page.get_by_role("tab", name="Chain rule").click()


DIGITS = ("2", "all", "4")


def _choose_digits(page: Page, digits: str) -> None:
    page.get_by_label("Digits").select_option(digits)
    drawn(page)


def _check_shown(page: Page) -> None:
    for digits in DIGITS:
        _choose_digits(page, digits)
        shown = page.locator("#tab-body > div:not([hidden])")
        assert contradictions(shown.inner_html()) == []


def _check_chain(page: Page, digits: str) -> None:
    """The numbers as they are written multiply to the result as it is written."""
    for factor in page.locator(".factor[data-at] .badge").all():
        factor.focus()
        expect(page.locator(".detail .badge")).to_have_text(factor.inner_text())
        assert contradictions(page.locator(".detail").inner_html()) == []
    written = page.locator(".factor[data-at] math:last-of-type").all_text_contents()
    product = math.prod(as_number(text) for text in written)
    result = as_number(page.locator("[data-result] math").text_content() or "")
    tolerance = {"2": 0.02, "4": 2e-4, "all": 1e-14}[digits] * max(
        1.0, *map(abs, map(as_number, written))
    ) ** 4
    assert result == pytest.approx(product, abs=tolerance)


def test_a_bias_is_not_called_an_edge(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    for name, place in (("b2.1", "the number on the bias"), ("w2.1.1", "the number on the edge")):
        explain(page, name)
        body = page.locator("#tab-body > div:not([hidden])")
        expect(body).to_contain_text(f"mean of 3: {place}")
        page.get_by_role("tab", name="Proof").click()
        expect(body).to_contain_text(f"The batch of 3: {place}")
        page.get_by_role("tab", name="Chain rule").click()


def test_of_a_bias_that_is_not_trained_the_derivative_is_told_and_no_place_for_it(
    visit: Visit,
) -> None:
    """The frame's gradient keeps it at 0; its derivative is none the less what it is."""
    page = visit.open({**NON_SQUARE, "train_biases": False}).page
    explain(page, "b2.1")
    body = page.locator("#tab-body > div:not([hidden])")
    expect(body).to_contain_text("mean of 3: not in the diagram, since this bias is not trained")
    derivative = chain_of(visit, "b2.1")["batch_derivative"]
    other = chain_of(visit, "b1.1")["batch_derivative"]
    assert abs(derivative) > 1e-3
    page.get_by_role("tab", name="Two weights").click()
    page.get_by_label("Digits").select_option("2")
    said = [
        f"∂E/∂b²₁ = {derivative:+.2f}".replace("-", "−"),
        "b²₁ is not trained: it does not move.",
    ]
    for words in said:
        expect(body).to_contain_text(words)
    page.get_by_role("combobox", name="Second parameter").fill("b1.1")
    page.keyboard.press("Enter")
    expect(body).to_contain_text("Nothing moves these two")
    for words in (*said, f"∂E/∂b¹₁ = {other:+.2f}".replace("-", "−")):
        expect(body).to_contain_text(words)


STEADY = """() => new Promise((done) => {
  const parts = () => [...document.querySelectorAll('#tab-body > div:not([hidden]) h3')];
  const places = () => parts().map((e) => e.offsetTop + '');
  let steps = 0; let step = ''; let known = []; let moved = 0; const jumps = [];
  requestAnimationFrame(function look() {
    const now = document.querySelector('.note').textContent;
    if (now !== step) {
      step = now; steps += 1;
      if (steps > 6) { const at = places(); if (at.join() !== known.join() && (moved++ > 1 || at.some((y, k) => y - known[k] < 0))) jumps.push([known, at]); known = at; }
      else known = places();
    }
    if (steps > 16) return done(jumps);
    requestAnimationFrame(look);
  });
})"""


@pytest.mark.parametrize("tab", ["Proof", "Gradient"])
def test_what_is_read_while_it_plays_does_not_jump(visit: Visit, tab: str) -> None:
    """A line more once or twice, for a longer text than any before; never back and forth."""
    page = visit.open({**NON_SQUARE, "batch_size": 7}).page  # no short batch, of which less is said
    page.get_by_role("button", name="Phase 7: Back through w¹").click()
    visit.at(0, 7)
    explain(page, "w2.2.3")
    page.get_by_role("tab", name=tab).click()
    expect(page.locator("#tab-body > div:not([hidden]) math").first).to_be_visible()
    page.get_by_label("Speed").select_option("5 steps/s")
    page.get_by_role("button", name="Play").click()
    assert page.evaluate(STEADY) == []
    page.get_by_role("button", name="Pause").click()


# A width that is no round number: its first nine digits give another quotient.
QUOTIENT = """async () => {
  const { viewProof } = await import('/static/js/views/proof.js');
  const { math } = await import('/static/js/mount/dom.js');
  const [loss_above, loss_below, above, below] = [947.3333481912734, 947.333223708192, 4.38979178449e-7, 0];
  const difference = { loss_above, loss_below, above, below, h: above / 2, agrees: true };
  const numeric = (loss_above - loss_below) / above;
  const chain = { parameter: 'w1.1.1', derivative: numeric, numeric, relative_gap: 0, difference, kink: null };
  const layout = { sizes: [1, 1], parameters: [{ offset: 0, shape: [1, 1] }] };
  const [proof] = viewProof(layout, { rows: 1, example: 0 }, chain, 4);
  return proof.formulas.map(({ tree }) => math(tree).outerHTML).join('');
}"""


def test_the_quotient_is_that_of_the_width_that_is_printed(page: Page) -> None:
    markup = page.evaluate(QUOTIENT)
    assert len(equations(markup)) == 1
    assert contradictions(markup) == []
