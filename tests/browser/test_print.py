"""The page of a run on paper: black on white, without controls, with every number."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

PAPER = {"width": 703, "height": 1032}  # A4 within its margins, in pixels
CONTROLS = "button:not(.plain, .badge, [role=tab]), input, .tools select, #transport select"
CLIPPED = """() => [...document.querySelectorAll('main, .scroll, .scrolls, .formula, td')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
  .map((e) => e.className || e.textContent)"""
GROUND = """() => [document.documentElement, document.body, ...document.querySelectorAll('.card')]
  .map((e) => getComputedStyle(e).backgroundColor)"""


def _print(page: Page) -> None:
    page.set_viewport_size({**PAPER})  # type: ignore[typeddict-item]
    page.emulate_media(media="print", color_scheme="dark")


@pytest.mark.parametrize("theme", ["System", "Dark"])
def test_the_page_is_printed_whole_black_on_white_without_controls(
    visit: Visit, theme: str
) -> None:
    page = visit.open().page
    page.emulate_media(color_scheme="dark")
    page.get_by_label("Theme").select_option(theme)
    page.get_by_role("button", name="Phase 6: Update").click()
    visit.at(0, 6)
    visit.click("Table view")
    expect(page.locator("#table tbody tr")).to_have_count(24)
    _print(page)
    assert page.locator(CONTROLS).filter(visible=True).count() == 0
    assert page.evaluate(CLIPPED) == []
    assert set(page.evaluate(GROUND)) == {"rgba(0, 0, 0, 0)"}
    expect(page.locator("main")).to_have_css("color", "rgb(27, 34, 48)")
    expect(page.locator("[data-control=position]")).to_contain_text("step 0 · phase 6 of 6")
    assert 2 <= page.pdf(format="A4").count(b"/Type /Page\n") <= 5


def test_an_explanation_is_printed_without_its_controls(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_role("combobox", name="Explain").fill("w1.1.1")
    page.keyboard.press("Enter")
    for tab in ("Chain rule", "What if"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).not_to_have_attribute("aria-busy", "true")
        _print(page)
        assert page.locator(CONTROLS).filter(visible=True).count() == 0
        assert page.evaluate(CLIPPED) == []
        expect(page.get_by_role("tab")).to_have_count(1)
        page.emulate_media(media="screen")
