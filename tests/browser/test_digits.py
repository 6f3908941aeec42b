"""With Digits set to all no number is rounded, and none is cut or broken where it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.explaining import as_text, explain, on_a_phone
from tests.browser.test_panel import MAZUR

THIRDS: dict[str, Any] = {**MAZUR, "dataset": {"inputs": [[-1 / 3, 0.1]], "targets": [[0.01, 1]]}}


def _whole(number: float, signed: bool = False) -> str:
    """A number with all its digits, as the page writes it."""
    return ("+" if signed and number > 0 else "") + as_text(number).replace("-", "−")


def _open_all(visit: Visit, spec: dict[str, Any], phase: int) -> Page:
    page = visit.open(spec).page
    page.get_by_label("Digits").select_option("all")
    _go(visit, phase)
    return page


def _go(visit: Visit, phase: int) -> None:
    visit.page.locator("#phases button").nth(phase).click()
    visit.at(0, phase)


def test_an_error_bar_tells_all_digits_by_name_and_where_it_is_pointed_at(visit: Visit) -> None:
    page = _open_all(visit, MAZUR, 6)
    found = visit.step(0)
    for k, (said, true) in enumerate(zip(found["prediction"], found["targets"], strict=True)):
        bar = page.locator(".error-bar").nth(k)
        words = f"true {true}, predicted {_whole(said)}, error {_whole(said - true, signed=True)}"
        assert (bar.get_attribute("aria-label") or "").endswith(f": {words}")
        assert (bar.locator("title").text_content() or "").endswith(f": {words}")


def test_the_table_has_all_digits_whatever_the_switch_says(visit: Visit) -> None:
    page = visit.open(THIRDS).page
    page.get_by_role("button", name="Table view").click()
    _go(visit, 6)
    found = visit.step(0)
    rows = page.get_by_role("region", name="Outputs").locator("tbody tr")
    for k, (said, true) in enumerate(zip(found["prediction"], found["targets"], strict=True)):
        expect(rows.nth(k).locator("td")).to_have_text(
            [_whole(said), _whole(true), _whole(said - true, signed=True)]
        )
    units = page.get_by_role("region", name="Units").locator("tbody th")
    expect(units.first).to_contain_text(_whole(-1 / 3))


def test_a_price_in_dollars_keeps_its_unit_and_its_cents(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_role("button", name="Table view").click()
    _go(visit, 6)
    dollars = visit.step(0)["units"]["prediction"][0]
    whole, _, cents = _whole(dollars).partition(".")
    row = page.get_by_role("region", name="Outputs").locator("tbody td")
    expect(row.first).to_have_text(f"${int(whole):,}.{cents}")
    label = page.locator(".error-bar").get_attribute("aria-label") or ""
    assert f"predicted ${int(whole):,}.{cents}, error" in label


def test_the_words_of_a_phase_and_of_the_header_follow_the_switch(visit: Visit) -> None:
    page = _open_all(visit, THIRDS, 2)
    found, words = visit.step(0), page.locator(".phase-words .sentence")
    said, layers = found["prediction"], found["layers"]
    expect(words).to_contain_text(f"prediction is {_whole(said[0])}, {_whole(said[1])}.")
    expect(page.locator("[data-control=example-words]")).to_contain_text(_whole(-1 / 3))
    _go(visit, 0)
    expect(words).to_contain_text(_whole(-1 / 3))
    _go(visit, 3)
    expect(words).to_contain_text(f"too high by {_whole(said[0] - 0.01)}, ")
    _go(visit, 4)
    slopes = [slope for row in layers[1]["weight_gradients"] for slope in row]
    expect(words).to_contain_text(f"= {_whole(max(slopes, key=abs), signed=True)}: this weight")
    _go(visit, 6)
    moves = [
        (abs(new - old), f"from {_whole(old)} to {_whole(new)}.")
        for layer in layers
        for olds, news in zip(layer["weights"], layer["new_weights"], strict=True)
        for old, new in zip(olds, news, strict=True)
    ]
    expect(words).to_contain_text(max(moves)[1])
    expect(words).to_contain_text("(α = 0.5)")
    expect(page.locator("#voice")).to_contain_text(max(moves)[1])
    page.get_by_label("Digits").select_option("4")
    expect(words).not_to_contain_text(max(moves)[1])
    expect(page.locator("[data-control=example-words]")).to_contain_text("x1 −0.3333,")


GRAMS: dict[str, Any] = {
    "dataset": {"inputs": [[0.003]], "targets": [[0.002]]},
    "layers": [{"units": 1, "activation": "identity"}],
    "initial": {"weights": [[[0.2]]], "biases": [[0.002]]},
}


def test_what_is_small_in_its_own_unit_is_not_rounded_to_nothing(visit: Visit) -> None:
    page = visit.open(GRAMS).page
    words, bar = page.locator(".phase-words .sentence"), page.locator(".error-bar")
    expect(words).to_contain_text("0.003")
    expect(page.locator("[data-control=example-words]")).to_contain_text("x1 0.003")
    expect(words).to_contain_text("0.002 is what the network should say")
    _go(visit, 2)
    sentence = "The prediction 0.0026 is too high by 0.0006."
    expect(words).to_contain_text(sentence)
    expect(page.locator("#voice")).to_contain_text(sentence)
    for text in ("y  0.002", "ŷ  0.0026", "+0.0006"):
        expect(bar.get_by_text(text, exact=True)).to_be_visible()


@pytest.mark.charts
def test_the_caption_of_the_losses_follows_the_switch(visit: Visit) -> None:
    page = visit.open(MAZUR).page
    caption = page.frame_locator("#charts iframe").locator("#loss-words")
    loss = visit.step(0)["loss"]
    expect(caption).to_have_text(f"Batch loss at step 0: {loss:.4f}.")
    page.get_by_label("Digits").select_option("all")
    expect(caption).to_have_text(f"Batch loss at step 0: {_whole(loss)}.")


def test_the_gap_of_a_quotient_and_of_a_proof_have_all_digits(visit: Visit) -> None:
    page = _open_all(visit, MAZUR, 6)
    explain(page, "w1.1.1")
    page.get_by_role("tab", name="What if").click()
    gap = page.locator("[data-of=gap]")
    expect(gap).to_have_text(gap.get_attribute("title") or "")
    page.locator(".slice .now").press("ArrowRight")
    expect(page.locator(".trial-note")).to_be_visible()  # by then the handle stands where it went
    tried = float(page.locator(".slice .now").get_attribute("aria-valuenow") or "")
    expect(page.locator(".trial-note")).to_contain_text(f"were {_whole(tried)}?")
    page.get_by_role("tab", name="Proof").click()
    relative = page.locator(".proof .hint").last
    title = relative.get_attribute("title") or ""
    expect(relative).to_have_text(f"Relative gap |a − n| / max(|a|, |n|, 1e−8) = {title}")
    page.get_by_label("Digits").select_option("2")
    expect(relative).not_to_contain_text(title)


def test_a_badge_and_an_input_tell_all_their_digits(visit: Visit) -> None:
    page = _open_all(visit, THIRDS, 6)
    assert f" {_whole(-1 / 3)}, value" in (
        page.locator("#diagram [data-unit='0.1']").get_attribute("aria-label") or ""
    )
    explain(page, "w1.1.1")
    badges = page.locator(".badge-mark")
    expect(badges.first).to_be_visible()
    for badge in badges.all():
        expect(badge.locator("title")).to_have_text(badge.get_attribute("aria-label") or "")


DEEP: dict[str, Any] = {
    "layers": [*[{"units": 8, "activation": "tanh"}] * 4, {"units": 1, "activation": "identity"}],
    "batch_size": 2,
}

# Numbers that stand in two lines.
BROKEN = """() => { const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let text; (text = texts.nextNode());) {
    if (!text.parentElement.getClientRects().length) continue;
    for (const { index, 0: number } of text.data.matchAll(/[+−]?\\d[\\d,]*\\.\\d+(e−?\\d+)?/g)) {
      range.setStart(text, index);
      range.setEnd(text, index + number.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) found.push(number);
    } }
  return found; }"""

# What reaches beyond its place and cannot be scrolled, or only without a shade that says so.
CUT = """(places) => [...document.querySelectorAll(places)]
  .filter((e) => e.getClientRects().length && e.scrollWidth > e.clientWidth + 1)
  .filter((e) => e.tabIndex !== 0 || !getComputedStyle(e).backgroundImage.includes('gradient'))
  .map((e) => [e.className, e.scrollWidth - e.clientWidth])"""
PLACES = "#table .scroll, .terms li, .terms math, .landings, .wide, .what-if, .quotient"


@pytest.fixture
def sized(
    browser: Browser, server: Server, request: pytest.FixtureRequest
) -> Iterator[tuple[Visit, str]]:
    """A page so wide, and the digits that are shown on it."""
    width, digits = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    found = Visit(context.new_page(), server)
    yield found, digits
    context.close()
    assert found.problems == []


SIZES = [(1440, "4"), (1440, "all"), (390, "all")]


def _expect_whole(page: Page) -> None:
    assert page.evaluate(BROKEN) == []
    assert page.evaluate(CUT, PLACES) == []


@pytest.mark.parametrize("sized", SIZES, indirect=True)
def test_no_number_is_broken_or_cut(sized: tuple[Visit, str]) -> None:
    visit, digits = sized
    page = visit.open(DEEP).page
    page.get_by_label("Digits").select_option(digits)
    page.get_by_role("button", name="Table view").click()
    _go(visit, page.locator("#phases button").count() - 1)
    _expect_whole(page)
    explain(page, "u1.1")
    expect(page.locator("#tab-body > div:not([hidden]) table").first).to_be_visible()
    _expect_whole(page)
    explain(page, "w1.1.1")
    expect(page.locator(".terms li").first).to_be_visible()
    _expect_whole(page)
    for tab in ("What if", "Proof", "Gradient"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).not_to_have_attribute("aria-busy", "true")
        _expect_whole(page)


def test_on_a_wide_screen_every_column_of_the_table_is_seen(visit: Visit) -> None:
    page = _open_all(visit, MAZUR, 6)
    page.get_by_role("button", name="Table view").click()
    for name in ("Outputs", "Parameters", "Units"):
        region = page.get_by_role("region", name=name)
        assert region.evaluate("(e) => e.scrollWidth - e.clientWidth") == 0, name


def test_the_paths_of_a_sum_are_not_broken_on_a_phone(browser: Browser, server: Server) -> None:
    visit = on_a_phone(browser, server)
    page = _open_all(visit, MAZUR, 6)
    explain(page, "w1.1.1")
    expect(page.locator(".paths td").first).to_be_visible()
    _expect_whole(page)
    assert page.locator("#tab-body").evaluate("(e) => e.scrollWidth - e.clientWidth") <= 0
    page.context.close()
    assert visit.problems == []


def test_the_words_of_an_update_have_the_learning_rate_in_full(visit: Visit) -> None:
    page = visit.open({**MAZUR, "learning_rate": 0.015}).page
    _go(visit, 6)
    expect(page.locator(".phase-words .sentence")).to_contain_text("(α = 0.015)")
