"""Click any weight: by mouse, by touch, by keyboard; every number against the JSON of the same step."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.timeline.presets import HOUSE
from tests.browser.conftest import Server, Visit
from tests.browser.explaining import (
    CLASSES,
    WIDE,
    as_number,
    as_text,
    chain_of,
    click_on,
    copied,
    expect_chain,
    explain,
    factors_of,
    terms_of,
)
from tests.browser.test_journeys import NON_SQUARE
from tests.browser.test_page import overlapping
from tests.mathml import contradictions


def _badges(page: Page) -> list[tuple[str, str]]:
    script = "() => [...document.querySelectorAll('[data-badge]')].map((e) => [e.dataset.badge, e.dataset.at])"
    return [(number, at) for number, at in page.evaluate(script)]


def test_the_keyboard_alone_leads_along_the_graph_and_into_the_explanation(visit: Visit) -> None:
    page = visit.open().page
    page.locator("#phases button").last.focus()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("data-unit", "0.1")
    assert "living area" in (page.locator(":focus").get_attribute("aria-label") or "")
    for key, name in (
        ("ArrowDown", "u0.2"),
        ("ArrowRight", "w1.2.2"),
        ("ArrowRight", "u1.2"),
        ("ArrowUp", "b1.2"),
        ("ArrowUp", "u1.1"),
        ("ArrowRight", "w2.1.1"),
        ("ArrowDown", "w2.2.1"),
        ("ArrowLeft", "u1.2"),
        ("ArrowLeft", "w1.2.2"),
    ):
        page.keyboard.press(key)
        kind = f"[data-unit='{name[1:]}']" if name[0] == "u" else f"[data-parameter='{name}']"
        expect(page.locator(f"#diagram {kind}")).to_be_focused()
        expect(page.locator(f"#diagram {kind}")).to_have_attribute("aria-pressed", "true")
    visit.at(0, 0)
    expect(page.locator("#voice")).to_contain_text("Explained: w¹₂₂")
    expect(page.locator(".badge-mark")).to_have_count(5)
    for k in range(5):
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_attribute("data-badge", str(k))
        expect(page.locator(".factor.lit .badge")).to_have_attribute("data-factor", str(k))
    close = page.get_by_role("button", name="Close: back to the phase")
    page.keyboard.press("Tab")
    expect(close).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Chain rule")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="What if")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_have_attribute("aria-labelledby", "tab-slice")


def test_a_click_explains_a_weight_with_the_numbers_of_the_step(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    for parameter, example in (("w1.1.2", 0), ("w2.3.1", 0), ("w3.2.2", 2)):
        page.get_by_label("Example").select_option(str(example))
        click_on(page, parameter)
        found = chain_of(visit, parameter, 0, example)
        expect_chain(page, found)
        places = [(str(k), f["at"]) for k, f in enumerate(found["paths"][0]["factors"])]
        assert _badges(page) == places
        assert math.prod(value for _, _, value in factors_of(page)) == pytest.approx(
            found["paths"][0]["product"], rel=1e-14
        )
        lit = page.locator("#diagram .unit:not(.dimmed)")
        units = {
            f["at"] for f in found["paths"][0]["factors"] if re.fullmatch(r"\d+\.\d+", f["at"])
        }
        assert {e.get_attribute("data-unit") for e in lit.all()} == units


def test_all_paths_are_listed_and_each_opens(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    click_on(page, "w1.2.3")
    found = chain_of(visit, "w1.2.3")
    assert len(found["paths"]) == 6
    expect(page.locator("[data-sum]")).to_have_attribute("data-sum", as_text(found["derivative"]))
    products = page.locator("[data-product]")
    assert [float(e.get_attribute("data-product") or "") for e in products.all()] == [
        path["product"] for path in found["paths"]
    ]
    names = page.locator(".paths tbody th button")
    names.nth(4).click()
    expect_chain(page, found, 4)
    expect(names.nth(4)).to_have_attribute("aria-pressed", "true")
    expect(names.nth(4)).to_be_focused()


def _rank(found: dict[str, Any], places: list[str]) -> int:
    """Where in the list, the largest first, the path stands that goes through these places."""
    return [[f["at"] for f in path["factors"]] for path in found["paths"]].index(places)


def test_the_path_that_was_opened_stays_open_in_the_next_example_and_step(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    explain(page, "w1.2.3")
    found = chain_of(visit, "w1.2.3")
    expect_chain(page, found)
    page.locator(".paths tbody th button").nth(4).click()
    expect_chain(page, found, 4)
    places = [f["at"] for f in found["paths"][4]["factors"]]
    ranks = set()
    for example in (1, 2, 0):
        page.get_by_label("Example").select_option(str(example))
        other = chain_of(visit, "w1.2.3", 0, example)
        ranks.add(_rank(other, places))
        expect_chain(page, other, _rank(other, places))
    assert len(ranks) > 1
    for step in range(1, 4):
        visit.click("Step forward")
        visit.at(step, 0)
        other = chain_of(visit, "w1.2.3", step)
        expect_chain(page, other, _rank(other, places))


def test_the_term_that_was_opened_stays_open_in_the_next_step(visit: Visit) -> None:
    page = visit.open(WIDE).page
    explain(page, "w1.2.3")
    found = chain_of(visit, "w1.2.3")
    page.locator(".terms > li").nth(4).get_by_role("button", name="through").click()
    expect_chain(page, found, 0, 4)
    at = terms_of(found)[4]["factors"][-1]["at"]
    ranks = set()
    for step in range(1, 4):
        visit.click("Step forward")
        visit.at(step, 0)
        other = chain_of(visit, "w1.2.3", step)
        rank = [term["factors"][-1]["at"] for term in terms_of(other)].index(at)
        expect_chain(page, other, 0, rank)
        ranks.add(rank)
    assert ranks != {4}
    expect(page.get_by_role("heading", name="δ is the sum of these", exact=True)).to_be_visible()
    visit.open({**WIDE, "precision": "float32"})
    explain(page, "w1.2.3")
    expect(
        page.get_by_role("heading", name="δ is the sum of these, rounded to float32")
    ).to_be_visible()


def test_all_paths_are_listed_when_that_is_asked_for(visit: Visit) -> None:
    page = visit.open(DEEP).page
    explain(page, "w1.1.1")
    products = page.locator("[data-product]")
    expect(products).to_have_count(12)
    page.get_by_role("button", name="Show all 24 paths").click()
    expect(products).to_have_count(24)
    expect(page.get_by_role("button", name="Show all")).to_have_count(0)


def test_a_path_is_called_by_the_units_it_goes_through(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    click_on(page, "w1.2.3")
    names = page.locator("[data-key^=path]")
    expect(names).to_have_count(6)
    paths = [f"ŷ{o} ← h²{h} ← h¹₃" for o in "₁₂" for h in "₁₂₃"]
    assert sorted(names.all_text_contents()) == paths
    visit.open(CLASSES)
    click_on(page, "b1.2")
    expect(names).to_have_count(3)
    assert sorted(names.all_text_contents()) == ["ŷ₁ ← h₂", "ŷ₂ ← h₂", "ŷ₃ ← h₂"]


def test_the_batch_is_the_mean_of_its_examples(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    click_on(page, "w2.1.2")
    found = chain_of(visit, "w2.1.2")
    expect(page.locator("[data-example]")).to_have_count(3)
    shown = [
        float(e.get_attribute("data-example") or "") for e in page.locator("[data-example]").all()
    ]
    assert shown == found["examples"]
    assert np.mean(shown) == pytest.approx(found["batch_derivative"], rel=1e-12)
    page.get_by_role("button", name="example 3").click()
    expect_chain(page, chain_of(visit, "w2.1.2", 0, 2))


def test_pointing_at_a_factor_lights_its_place_and_the_other_way_round(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    click_on(page, "w2.3.1")
    expect(page.locator(".badge-mark")).to_have_count(5)
    page.locator(".factor .badge").nth(2).hover()
    expect(page.locator(".badge-mark.lit")).to_have_attribute("data-badge", "2")
    expect(page.locator(".detail")).to_contain_text("the weight w³₁₁")
    page.get_by_label("Digits").select_option("all")
    page.locator(".factor .badge").nth(3).hover()
    z = as_text(visit.step(0)["layers"][1]["z"][0]).replace("-", "−")
    expect(page.locator(".detail")).to_contain_text(f"for h²₁, at z = {z}")
    page.locator(".badge-mark[data-badge='3']").hover()
    expect(page.locator(".factor.lit .badge")).to_have_attribute("data-factor", "3")
    page.locator("h1").hover()
    expect(page.locator(".factor.lit, .badge-mark.lit")).to_have_count(0)


PARTS = """() => [...document.querySelectorAll('.factor')].flatMap((factor) => [...factor.children].map((part) => {
  const { x, y, width, height } = part.getBoundingClientRect();
  return [part.localName, x, y, width, height]; }))"""


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_lighting_a_factor_moves_no_part_of_the_formula(
    browser: Browser, server: Server, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = Visit(context.new_page(), server).open(NON_SQUARE).page
    explain(page, "w2.3.1")
    expect(page.locator(".factor[data-at]")).to_have_count(5)
    page.locator(".factor .badge").first.scroll_into_view_if_needed()
    before = page.evaluate(PARTS)
    for k in range(5):
        page.locator(".factor .badge").nth(k).focus()
        expect(page.locator(".factor.lit .badge")).to_have_attribute("data-factor", str(k))
        lit = page.locator(".factor.lit").evaluate(
            "(e) => [getComputedStyle(e, '::before').content, e.scrollHeight - e.clientHeight]"
        )
        assert lit == ['""', 0]
        assert page.evaluate(PARTS) == before
    context.close()


def test_too_many_paths_are_folded_and_opened_one_layer_at_a_time(visit: Visit) -> None:
    page = visit.open(WIDE).page
    explain(page, "w1.2.3")
    found = chain_of(visit, "w1.2.3")
    assert (len(found["paths"]), found["path_count"]) == (1, 14 * 15 * 2)
    expect_chain(page, found)
    terms = page.locator(".terms li:has(button)")
    expect(terms).to_have_count(14)
    assert contradictions(page.locator(".terms").inner_html()) == []
    unit = terms_of(found)[0]["factors"][-1]["at"]
    terms.first.get_by_role("button", name="Open δ of").click()
    expect_chain(page, chain_of(visit, f"b{unit}"))
    expect(page.locator(".crumbs")).to_contain_text("w¹₂₃ › δ of")
    way = page.locator(f"#diagram [data-parameter='w2.3.{unit.split('.')[1]}']")
    expect(way).not_to_have_class(re.compile("dimmed"))  # from h3 to the unit whose delta is open
    page.locator(".crumbs").get_by_role("button", name="w¹₂₃").click()
    expect_chain(page, found)


@pytest.mark.parametrize("key", ["Enter", None], ids=["keyboard", "pointer"])
def test_the_way_back_from_a_delta_ends_where_it_began(visit: Visit, key: str | None) -> None:
    page = visit.open(WIDE).page
    explain(page, "w1.2.3")
    found = chain_of(visit, "w1.2.3")
    expect_chain(page, found)
    opener = page.locator(".terms > li").nth(4).get_by_role("button", name="Open δ of")
    at = terms_of(found)[4]["factors"][-1]["at"]
    back = page.locator(".crumbs").get_by_role("button", name="w¹₂₃")
    for button, shown, term in ((opener, chain_of(visit, f"b{at}"), 0), (back, found, 4)):
        if key:
            button.focus()
            page.keyboard.press(key)
        else:
            button.click()
        expect_chain(page, shown, 0, term)
    expect(opener).to_be_focused()
    expect(opener).to_be_in_viewport()


def test_another_weight_is_no_way_back_from_a_delta(visit: Visit) -> None:
    page = visit.open(WIDE).page
    explain(page, "w1.2.3")
    opener = page.locator(".terms > li").nth(4).get_by_role("button", name="Open δ of")
    opener.click()
    expect(page.locator(".crumbs")).to_be_visible()
    explain(page, "u1.2")
    bill = page.locator("#tab-body section", has_text="like a bill")
    bill.get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    expect_chain(page, chain_of(visit, "w1.1.2"))
    expect(page.locator(".chosen")).to_be_focused()


# More outputs than paths are listed: the terms of a folded δ end at the error itself.
MANY_OUTPUTS: dict[str, Any] = {
    "dataset": {
        "inputs": WIDE["dataset"]["inputs"],
        "targets": np.random.default_rng(5).uniform(size=(3, 260)).tolist(),
    },
    "layers": [{"units": 3}, {"units": 260, "activation": "sigmoid"}],
    "loss": "mean_squared_error",
    "batch_size": 2,
}
LARGE_AND_FOLDED: dict[str, Any] = {
    **WIDE,
    "layers": [
        *({"units": units} for units in (20, 24, 15)),
        {"units": 2, "activation": "sigmoid"},
    ],
    "batch_size": 2,
}


@pytest.mark.parametrize(
    ("spec", "name"),
    [(WIDE, "w1.2.3"), (MANY_OUTPUTS, "b1.2"), (LARGE_AND_FOLDED, "w1.2.20")],
    ids=["wide", "outputs", "large"],
)
def test_the_factors_of_a_term_of_a_folded_delta_carry_badges_too(
    visit: Visit, spec: Any, name: str
) -> None:
    page = visit.open(spec).page
    page.get_by_label("Digits").select_option("all")
    explain(page, name)
    found = chain_of(visit, name)
    before = len(found["paths"][0]["factors"])
    rows = page.locator(".terms > li")
    for k in (0, 3, len(terms_of(found)[:24]) - 1):
        rows.nth(k).get_by_role("button", name="through").click()
        expect(rows.nth(k).get_by_role("button", name="through")).to_be_focused()
        expect_chain(page, found, 0, k)
        term = terms_of(found)[k]
        assert term["product"] == pytest.approx(
            math.prod(value for _, _, value in factors_of(page)[before:]), rel=1e-14
        )
        factors = [*found["paths"][0]["factors"], *term["factors"]]
        assert _badges(page) == [(str(n), f["at"]) for n, f in enumerate(factors)]
        assert contradictions(page.locator(".terms").inner_html()) == []
        for n in range(len(factors)):
            badge = page.locator(f"#diagram [data-badge='{n}']")
            page.locator(f".factor [data-factor='{n}']").focus()
            expect(badge).to_have_class("badge-mark lit")
            assert contradictions(page.locator(".detail").inner_html()) == []
            badge.focus()
            expect(page.locator(".factor.lit .badge")).to_have_attribute("data-factor", str(n))
    assert [at for at, here in page.evaluate(PLACED) if not here] == []


def test_a_saturated_output_whose_delta_is_0_is_not_called_right(visit: Visit) -> None:
    rng = np.random.default_rng(3)
    shape = (2, 3, 260)
    weights = [rng.normal(size=pair).tolist() for pair in pairwise(shape)]
    initial = {"weights": weights, "biases": [[0.0] * 3, [100.0] * 260]}
    page = visit.open({**MANY_OUTPUTS, "initial": initial}).page
    explain(page, "b1.2")
    expect(page.locator(".result").first).to_contain_text("① is 0: what comes back to h₂ adds up")
    expect(page.locator("[data-term]")).to_contain_text(
        re.compile(r"⑤ is 0: ŷ\S+ is saturated, its sigmoid is flat")
    )


def test_a_late_answer_is_never_shown_under_another_name_or_step(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    held: list[Any] = []
    page.route(re.compile(r"/chain\?parameter=w3\.2\.2"), lambda route: held.append(route))
    click_on(page, "w1.1.2")
    expect_chain(page, chain_of(visit, "w1.1.2"))
    click_on(page, "w3.2.2")
    expect(page.locator(".chosen")).to_contain_text("weight, h²₂ to ŷ₂")
    expect(page.locator("[data-result]")).to_be_hidden()
    expect(page.locator(".copying")).to_be_hidden()
    click_on(page, "w2.1.3")
    expect_chain(page, chain_of(visit, "w2.1.3"))
    for route in held:
        route.continue_()
    visit.click("Step forward")
    visit.at(1, 0)
    expect_chain(page, chain_of(visit, "w2.1.3", 1))


def test_the_chain_says_what_a_run_of_float32_has_rounded_the_product_to(visit: Visit) -> None:
    data = {"inputs": [[1.3, 0.7, -0.4]], "targets": [[10, -20]]}
    layers = [{"units": units, "activation": "identity"} for units in (1, 2)]
    initial = {"weights": [[[3.1], [2.3], [1.7]], [[5.7, -3.3]]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "precision": "float32"}
    page = visit.open(spec).page
    own = visit.step(0)["layers"][1]["weight_gradients"][0][0]
    explain(page, "w2.1.1")
    words = page.locator(".result .hint").first
    expect(words).to_contain_text(f"rounded to float32 the run has {as_text(own)}")
    explain(page, "b2.1")
    expect(words).to_contain_text("to lower the loss")
    expect(words).not_to_contain_text("float32")


NARROW_BITS: dict[str, Any] = {
    "dataset": {
        "inputs": [[1.3, 0.7, -0.4], [0.9, -1.1, 0.3]],
        "targets": [[10, -20], [7, 3]],
    },
    "layers": [{"units": 3, "activation": "tanh"}, {"units": 2, "activation": "identity"}],
    "precision": "float32",
    "shuffle": False,
}


@pytest.mark.parametrize("rows", [1, 2])
def test_paths_add_up_to_what_is_called_their_sum_where_the_run_rounds(
    browser: Browser, server: Server, rows: int
) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    visit = Visit(context.new_page(), server).open({**NARROW_BITS, "batch_size": rows})
    page = visit.page
    page.get_by_label("Digits").select_option("all")
    explain(page, "w1.1.2")
    found = chain_of(visit, "w1.1.2")
    expect_chain(page, found)
    own = found["derivative"] if rows == 1 else found["examples"][0]
    total = math.fsum(path["product"] for path in found["paths"])
    assert total != own == pytest.approx(total, rel=1e-6)
    shown = page.locator("[data-total]")
    expect(shown).to_have_attribute("data-total", as_text(total))
    expect(page.locator("[data-sum]")).to_have_attribute("data-sum", as_text(total))
    written = as_text(own).replace("-", "−")
    beside = "with δ rounded to float32, as the run has it," if rows > 1 else "rounded to float32"
    expect(shown).to_contain_text(re.compile(rf"; {beside}.* {written}$"))
    page.get_by_role("button", name="text", exact=True).click()
    expect(page.locator(".copying")).to_contain_text("Copied.")
    text = page.evaluate("() => navigator.clipboard.readText()")
    numbers, result = text.split("\n\n")[1].splitlines()[-2:]
    summands = [as_number(part) for part in numbers.strip("= ").split(" + ")]
    assert math.fsum(summands) == as_number(result.strip("= +"))
    rounding = page.get_by_text("The run rounds to float32 each δ that these are made of")
    expect(rounding).to_have_count(rows - 1)
    context.close()
    assert visit.problems == []


SUMS = """async (lists) => {
  const { sumOf } = await import('/static/js/core/sum.js');
  return lists.map(sumOf); }"""


def test_a_sum_keeps_what_is_lost_on_its_way(page: Page) -> None:
    rng = np.random.default_rng(4)
    lists = [(rng.normal(size=n) * 10.0 ** rng.integers(-9, 9, n)).tolist() for n in (2, 30, 256)]
    lists += [[1e16, 1.0, -1e16], [0.1] * 10, []]
    assert page.evaluate(SUMS, lists) == [math.fsum(one) for one in lists]
    assert page.evaluate(SUMS, [[1.0, None], [1e308, 1e308]]) == [None, None]


TERMS = """async (path) => (await import('/static/js/core/inspect.js')).termsOf(path)"""


def test_of_terms_that_overflow_no_sum_is_told(page: Page) -> None:
    def path(last: float | None, rest: float | None) -> dict[str, Any]:
        products = [*(float(k + 1) for k in range(25)), last]
        return {"terms": [{"product": p} for p in products], "rest": {"count": 3, "sum": rest}}

    found = page.evaluate(TERMS, path(None, 0.5))
    assert found["told"][0] == {"product": None}
    assert found["rest"] == {"count": 5, "sum": 3.5}
    assert page.evaluate(TERMS, path(26.0, None))["rest"] == {"count": 5, "sum": None}


def test_an_unknown_name_is_answered_with_those_nearby(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    for text, nearby in (
        ("w2.9.1", "w2.1.1 to w2.4.3"),
        ("b3.7", "b3.1 to b3.2"),
        ("u1.9", "u1.1 to u1.4"),
        ("hello", "w1.1.1 to w1.2.4"),
    ):
        explain(page, text)
        expect(page.get_by_role("alert").filter(has_text=f"“{text}”")).to_contain_text(nearby)
    explain(page, "w³₂,₁")
    expect(page.locator("#diagram [data-parameter='w3.2.1']")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_the_table_leads_to_the_explanation(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.get_by_role("button", name="Table view").click()
    page.locator("#table [data-select='w3.1.2']").click()
    expect_chain(page, chain_of(visit, "w3.1.2"))
    expect(page.locator(".chosen")).to_be_in_viewport()
    page.locator("#table [data-select='u2.1']").click()
    expect(page.locator(".chosen")).to_contain_text("hidden unit 1 of layer 2")


def test_the_explanation_follows_the_run(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    click_on(page, "w1.1.2")
    expect(page.locator(".note")).to_contain_text("Show it there: phase 7")
    page.get_by_role("button", name="Show it there: phase 7").click()
    visit.at(0, 7)
    expect(page.locator(".note")).to_contain_text("Step 0, with the weights before the update")
    visit.click("Step forward")
    visit.at(1, 7)
    expect_chain(page, chain_of(visit, "w1.1.2", 1))
    page.get_by_label("Speed").select_option("60 steps/s")
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".note")).not_to_contain_text("Step 1,")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    cursor = httpx.get(visit.api).json()["cursor"]
    visit.at(cursor["step"], cursor["phase"])  # its frame comes behind the word that it pauses
    expect_chain(page, chain_of(visit, "w1.1.2", cursor["step"]))


ROWS = """() => [...document.querySelectorAll('.factor')].map((factor) => {
  const middle = (e) => { const b = e.getBoundingClientRect(); return (b.top + b.bottom) / 2; };
  const of = (kind) => [...factor.querySelectorAll(`:scope > ${kind}`)].map(middle);
  return [of('math'), of('.times')]; })"""


def test_a_product_has_a_sign_between_its_factors_in_every_row(visit: Visit) -> None:
    page = visit.open().page
    explain(page, "w1.1.1")
    expect_chain(page, chain_of(visit, "w1.1.1"))
    # Read out, the equation has one sign of equality.
    expect(page.locator(".factor.lhs math:not([aria-hidden])")).to_have_count(1)
    left, first, *others = page.evaluate(ROWS)
    assert (left[1], first[1]) == ([], [])
    for formulas, signs in others:
        # All in one line: the fifth factor too.
        assert signs == pytest.approx(others[0][1], abs=1)
        assert formulas == pytest.approx(signs, abs=8)
    assert len(others) == 4


def test_the_equation_is_copied_as_latex_and_as_text(browser: Browser, server: Server) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    visit = Visit(context.new_page(), server).open(HOUSE)
    page = visit.page
    click_on(page, "w1.1.1")
    page.get_by_role("button", name="LaTeX").click()
    expect(page.locator(".copying")).to_contain_text("Copied.")
    latex = copied(page, "\\begin{aligned}")
    assert "\\frac{\\partial E}{\\partial w_{11}^{1}}" in latex
    page.get_by_role("button", name="text", exact=True).click()
    expect(page.locator(".copying")).to_contain_text("Copied.")
    assert "0.5000 · 1 · 2.0000 · 1 · 2.0000" in copied(page, "∂E/∂w¹₁₁")
    page.get_by_role("tab", name="Proof").click()
    expect(page.locator(".copying")).to_be_visible()
    expect(page.locator(".copying")).not_to_contain_text("Copied.")  # these were not
    context.close()
    assert visit.problems == []


def test_the_equation_names_each_factor_as_the_diagram_does(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    for name, first, symbols, formulas, total in (
        (
            "w1.1.2",
            "p₁ = share of (∂Eₖ/∂w¹₁₂) through ŷ₁ ← h²₁ ← h¹₂",
            "∂Eₖ/∂ŷ₁ · ∂ŷ₁/∂z³₁ · ∂z³₁/∂h²₁ · ∂h²₁/∂z²₁ · ∂z²₁/∂h¹₂ · ∂h¹₂/∂z¹₂ · ∂z¹₂/∂w¹₁₂",
            "(ŷ₁ − y₁) · 1 · w³₁₁ · h²₁ · (1 − h²₁) · w²₂₁ · (1 − (h¹₂)²) · x₁",
            "∂Eₖ/∂w¹₁₂ = p₁ + p₂ + … + p₆",
        ),
        (
            "b2.3",
            "p₁ = share of (∂Eₖ/∂b²₃) through ŷ₁ ← h²₃",
            "∂Eₖ/∂ŷ₁ · ∂ŷ₁/∂z³₁ · ∂z³₁/∂h²₃ · ∂h²₃/∂z²₃ · ∂z²₃/∂b²₃",
            "(ŷ₁ − y₁) · 1 · w³₃₁ · h²₃ · (1 − h²₃) · 1",
            "∂Eₖ/∂b²₃ = p₁ + p₂",
        ),
        (
            "w3.3.2",
            "∂Eₖ/∂w³₃₂",
            "∂Eₖ/∂ŷ₂ · ∂ŷ₂/∂z³₂ · ∂z³₂/∂w³₃₂",
            "(ŷ₂ − y₂) · 1 · h²₃",
            None,
        ),
    ):
        explain(page, name)
        found = chain_of(visit, name)
        expect_chain(page, found)
        page.get_by_role("button", name="text", exact=True).click()
        text = copied(page, first)
        assert re.split(r"\s+= ", text.removeprefix(first))[1:3] == [symbols, formulas]
        if total is None:
            assert page.locator("[data-total]").count() == 0
            continue
        # One path's product is never said to be the whole derivative, on the page or in the copy.
        expect(page.locator(".factor.lhs")).not_to_contain_text("∂")
        symbols, numbers, result = text.split("\n\n")[1].splitlines()
        assert symbols == total
        products = [path["product"] for path in found["paths"]]
        summands = [part for part in numbers.strip("= ").split(" + ") if part != "…"]
        ends = products if len(products) == 2 else [*products[:2], products[-1]]
        assert list(map(as_number, summands)) == pytest.approx(ends, abs=5e-5)
        assert as_number(result) == pytest.approx(found["derivative"], abs=5e-5)
        shown = page.locator("[data-total]")
        expect(shown).to_have_attribute("data-total", as_text(found["derivative"]))
        expect(shown.locator("math > mn")).to_have_text(result.strip("= "))
    context.close()
    assert visit.problems == []


PLACED = """() => {
  const middle = (e) => { const b = e.getBoundingClientRect(); return [(b.left + b.right) / 2, (b.top + b.bottom) / 2]; };
  const apart = ([a, b], [c, d]) => Math.hypot(a - c, b - d);
  const drawn = (badge) => !badge.getAttribute('aria-label').includes(', not drawn: ');
  return [...document.querySelectorAll('.badge-mark')].filter(drawn).map((badge) => {
    const at = middle(badge.querySelector('.badge-dot'));
    if (badge.dataset.at[0] === 'w') {
      const edge = document.querySelector(`#diagram [data-parameter='${badge.dataset.at}'] .core`);
      const [x1, y1, x2, y2] = ['x1', 'y1', 'x2', 'y2'].map((k) => Number(edge.getAttribute(k)));
      const chip = badge.querySelector('rect'); const n = (k) => Number(chip.getAttribute(k));
      const [x, y] = [n('x') + n('width') / 2, n('y') + n('height') / 2];
      return [badge.dataset.at, Math.abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / Math.hypot(x2 - x1, y2 - y1) < 0.1];
    }
    if (badge.getAttribute('aria-label').includes('/∂ŷ')) return [badge.dataset.at, true];
    const units = [...document.querySelectorAll('#diagram [data-unit] circle')];
    const near = units.reduce((a, b) => (apart(middle(a), at) < apart(middle(b), at) ? a : b));
    return [badge.dataset.at, near.parentNode.dataset.unit === badge.dataset.at.replace('b', '')];
  }); }"""


UNIT = """async ([name, z, a]) => {
  const { viewUnit } = await import('/static/js/views/unit.js');
  const layout = { sizes: [1, 1, 1], activations: [name, 'identity'], inputs: [{ label: 'x' }], targets: [{ label: 'y' }], loss: 'half_squared_error',
    parameters: [{ offset: 0, shape: [1, 1] }, { offset: 1, shape: [1] }, { offset: 2, shape: [1, 1] }, { offset: 3, shape: [1] }] };
  const frame = { inputs: [1], parameters: [z, 0, 1, 0], z: [z, a], a: [a, a], delta: [0.5, 0.5], targets: [0] };
  const { curve } = viewUnit(layout, frame, 1, 1, 4);
  const [x1, y1, x2, y2] = curve.tangent;
  const scale = 2 * curve.reach / curve.width;
  return { slope: curve.slope, drawn: -(y2 - y1) / (x2 - x1), x: (curve.point[0] - curve.zero[0]) * scale, z }; }"""


@pytest.mark.parametrize(
    ("name", "z", "function", "slope"),
    [
        ("tanh", 0.7, math.tanh, lambda z: 1 / math.cosh(z) ** 2),
        ("sigmoid", -1.3, lambda z: 1 / (1 + math.exp(-z)), lambda z: 0.25 / math.cosh(z / 2) ** 2),
        ("relu", -0.5, lambda z: max(z, 0.0), lambda z: 0.0),
        ("relu", 2.5, lambda z: max(z, 0.0), lambda z: 1.0),
        ("identity", 9.0, lambda z: z, lambda z: 1.0),
    ],
)
def test_an_activations_tangent_has_its_slope(
    page: Page, name: str, z: float, function: Any, slope: Any
) -> None:
    view = page.evaluate(UNIT, [name, z, function(z)])
    assert view["slope"] == pytest.approx(slope(z))
    assert view["x"] == pytest.approx(z)
    assert (view["drawn"] == 0) == (slope(z) == 0)
    assert view["drawn"] >= 0


BADGES = """() => [...document.querySelectorAll('.badge-chip, .pill:not(.hidden) rect')]
  .map((e) => { const b = e.getBoundingClientRect(); return [e.parentNode.dataset.badge ?? 'label', b.left, b.top, b.right, b.bottom]; })"""


@pytest.mark.parametrize("spec", [{}, NON_SQUARE, CLASSES], ids=["ames", "non-square", "classes"])
def test_badges_cover_no_label_and_not_each_other(visit: Visit, spec: Any) -> None:
    page = visit.open(spec).page
    names = page.evaluate(
        "() => [...document.querySelectorAll('#diagram [data-parameter]')].map((e) => e.dataset.parameter)"
    )
    for name in names:
        explain(page, name)
        expect_chain(page, chain_of(visit, name))
        assert overlapping(page.evaluate(BADGES)) == [], name
        places = page.evaluate(PLACED)
        assert [at for at, here in places if not here] == []
        assert len(places) == len(factors_of(page))


def test_badges_say_the_factors_values_after_the_update_too(visit: Visit) -> None:
    """Beside the new weight stands what the formula was made of: the old one."""
    page = visit.open().page
    values = []
    for phase in (5, 6):
        page.get_by_role("button", name=f"Phase {phase}: ").click()
        visit.at(0, phase)
        explain(page, "w1.1.1")
        expect(page.locator(".badge-value")).to_have_count(4)
        values.append(page.locator(".badge-value").all_text_contents())
    assert values[0] == values[1]


DEEP: dict[str, Any] = {
    **NON_SQUARE,
    "layers": [{"units": n, "activation": "tanh"} for n in (3, 4, 3)]
    + [{"units": 2, "activation": "identity"}],
}


LABELS = """() => [...document.querySelectorAll(`#diagram .pill:not(.hidden) rect, #diagram .unit circle,
    #diagram .delta:not(.hidden) rect, #diagram .bias rect, #diagram .error-bar text`)]
  .map((e) => { const b = e.getBoundingClientRect();
    const name = e.textContent || (e.parentNode.dataset.label ?? e.parentNode.className.baseVal);
    return [name, b.left, b.top, b.right, b.bottom]; })
  .filter(([, left, , right]) => right > left)"""


@pytest.mark.parametrize("width", [390, 1024, 1440])
@pytest.mark.parametrize("spec", [{}, NON_SQUARE, DEEP], ids=["ames", "non-square", "deep"])
def test_the_label_of_a_selected_edge_covers_nothing(
    browser: Browser, server: Server, spec: Any, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open(spec)
    page = visit.page
    names = page.evaluate(
        "() => [...document.querySelectorAll('#diagram .edge')].map((e) => e.dataset.parameter)"
    )
    layers = len({name.split(".")[0] for name in names})
    page.get_by_role("button", name=re.compile(f"^Phase {2 * layers + 1}:")).click()
    visit.at(0, 2 * layers + 1)
    labelled = 0
    shown = names[:: 1 if width == 390 else 3]
    for name in shown:
        explain(page, name)
        edge = page.locator(f"#diagram [data-parameter='{name}']")
        expect(edge).to_have_attribute("aria-pressed", "true")
        assert overlapping(page.evaluate(LABELS)) == [], name
        labelled += page.locator(f"#diagram .pill:not(.hidden)[data-label='{name}']").count()
    assert labelled > 0.7 * len(shown)
    context.close()
    assert visit.problems == []


def test_the_worksheet_of_the_step_is_one_click_away(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    visit.click("Step forward")
    visit.at(1, 0)
    page.get_by_label("Example").select_option("1")
    link = page.get_by_role("link", name="Worksheet")
    expect(link).to_have_attribute("href", re.compile(r"/worksheet\?step=1&example=1$"))


def test_the_focus_is_where_a_keyboard_user_expects_it(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    focused = page.locator(":focus")
    close = page.get_by_role("button", name="Close: back to the phase")
    for name, leave in (("w2.1.3", "Enter"), ("b1.2", "Escape"), ("u2.2", "Enter")):
        page.get_by_role("combobox", name="Explain").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".chosen")).to_be_visible()
        close.focus()
        page.keyboard.press(leave)
        kind = "data-unit" if name[0] == "u" else "data-parameter"
        expect(focused).to_have_attribute(kind, name.removeprefix("u"))
        expect(close).to_be_hidden()
    page.keyboard.press("ArrowRight")  # from the unit on which the focus is
    expect(focused).to_have_attribute("data-parameter", re.compile(r"w3\.2"))
    page.get_by_role("button", name="Show it there").focus()
    page.keyboard.press("Enter")
    visit.at(0, 5)
    expect(page.locator(".chosen")).to_be_focused()
    page.locator("#diagram [data-unit='2.3']").click()
    page.get_by_role("button", name="h¹₂: explain its weight").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chosen")).to_contain_text("weight, h¹₂ to h²₃")
    expect(page.locator(".chosen")).to_be_focused()
    page.locator(".badge-mark").first.focus()
    page.keyboard.press("Escape")
    expect(focused).to_have_attribute("data-parameter", "w2.2.3")
    explain(page, "w1.1.1")
    close.click()
    expect(page.locator("#panel")).to_be_focused()  # the arrows go on moving the phases
    page.keyboard.press("ArrowRight")
    visit.at(0, 6)


def test_trying_again_leaves_the_focus_in_the_panel(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    page.route(re.compile("/chain"), lambda route: route.abort())
    explain(page, "w2.1.3")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.unroute_all()
    again.focus()
    page.keyboard.press("Enter")
    expect_chain(page, chain_of(visit, "w2.1.3"))
    expect(page.locator(".chosen")).to_be_focused()
    context.close()


def test_no_view_of_an_explanation_is_open_before_there_is_one(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    assert page.locator("#tab-body > div").count() == 6
    assert page.locator("#tab-body > div:not([hidden])").count() == 0


def test_a_name_is_read_as_the_page_writes_it(visit: Visit) -> None:
    page = visit.open(WIDE).page
    for text, name in (
        ("w²₃,₁₄", "w2.3.14"),
        ("w³₁₀,₂", "w3.10.2"),
        ("w²₃₁", "w2.3.1"),
        ("b²₁₂", "b2.12"),
        ("w3.10.2", "w3.10.2"),
        ("W2.3.14 ", "w2.3.14"),
    ):
        explain(page, text)
        expect(page.locator("#find-error")).to_have_text("")
        expect(page.locator(f"#diagram [data-parameter='{name}']")).to_have_attribute(
            "aria-pressed", "true"
        )
    assert page.evaluate(READ, list(NAMES)) == list(NAMES.values())
    assert page.evaluate(NEARBY, ["x7", "h9", "h3.1", "ŷ₇"]) == [
        ["x1 to x3", "h1 to h2", "h1 to h2", "ŷ"],
        ["x1 to x3", "h1.1 to h1.4, h2.1 to h2.12", "h1.1 to h1.4, h2.1 to h2.12", "ŷ1 to ŷ2"],
    ]
    small, deep = page.evaluate(NEARBY, ["2.1", "foo", "b", "w7.1.1"])
    some = "w1.1.1 to w1.3.2, w2.1.1 to w2.2.1; b1.1 to b1.2, b2.1; x1 to x3, h1 to h2, ŷ"
    assert small == [some, some, "b1.1 to b1.2, b2.1", "w1.1.1 to w1.3.2, w2.1.1 to w2.2.1"]
    assert deep[0] == (
        "w1.1.1 to w1.3.4, …, w3.1.1 to w3.12.2; b1.1 to b1.4, …, b3.1 to b3.2; "
        "x1 to x3, h1.1 to h1.4, h2.1 to h2.12, ŷ1 to ŷ2"
    )


# What is typed, and what it is where there is one hidden layer and one output, or two of each.
NAMES: dict[str, list[str | None]] = {
    "x1": ["u0.1", "u0.1"],
    "X₂": ["u0.2", "u0.2"],
    "x4": [None, None],
    "h2": ["u1.2", None],
    "h₂": ["u1.2", None],
    "h2.1": [None, "u2.1"],
    "h²₁₂": [None, "u2.12"],
    "h1.2": ["u1.2", "u1.2"],
    "h0.1": [None, None],
    "h3.1": [None, None],
    "y": ["u2.1", None],
    "ŷ": ["u2.1", None],
    "y\u0302₁": ["u2.1", "u3.1"],
    "y2": [None, "u3.2"],
    "u2.1": ["u2.1", "u2.1"],
}


TYPED = """async (texts) => {
  const { findName, nearbyNames } = await import('/static/js/core/find.js');
  const layouts = [[3, 2, 1], [3, 4, 12, 2]].map((sizes) => ({ sizes })); """


READ = TYPED + "return texts.map((text) => layouts.map((layout) => findName(layout, text))); }"


NEARBY = TYPED + (
    "return layouts.map((of) => texts.map((text) => nearbyNames(of, text).slice(10))); }"
)
