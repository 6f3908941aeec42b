"""The worksheet in a real browser: no complaints, nothing cut off, black on white when printed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Visit
from tests.unit.web.test_worksheet import SPECS

# A4 less its margins, in CSS pixels.
PAPER = {"width": 688, "height": 1017}
CLIPPED = """() => { const sheet = document.querySelector('.sheet').getBoundingClientRect();
  return [...document.querySelectorAll('.sheet math, .sheet td, .sheet .beside')]
    .filter((e) => { const b = e.getBoundingClientRect();
                     return b.right > sheet.right + 1 || b.left < sheet.left - 1; })
    .map((e) => e.textContent); }"""
COLOURS = """() => [...new Set([...document.querySelectorAll('.sheet *')]
  .map((e) => getComputedStyle(e).color))]"""


def _open(page: Page, server: Server, name: str, query: str = "") -> Page:
    identity = httpx.post(f"{server.url}/api/sessions", json=SPECS[name]).json()["id"]
    page.goto(f"{server.url}/s/{identity}/worksheet{query}")
    return page


@pytest.mark.parametrize("query", ["", "?blank=1"], ids=["filled in", "blank"])
@pytest.mark.parametrize("name", ["ames", "classes", "relu, two outputs"])
def test_nothing_is_wider_than_a_phone_or_than_paper(visit: Visit, name: str, query: str) -> None:
    page = _open(visit.page, visit.server, name, query)
    for width in (390, PAPER["width"], 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(CLIPPED) == []


GAPS = """() => [...document.querySelectorAll('.how')].flatMap((how) => {
  const boxes = [...how.querySelectorAll('mfrac')].map((e) => e.getBoundingClientRect());
  return boxes.slice(1).map((b, k) => [boxes[k], b])
    .filter(([a, b]) => b.top > a.top + 8 && a.left < b.right && b.left < a.right)
    .map(([a, b]) => b.top - a.bottom); })"""


@pytest.mark.parametrize("query", ["", "?blank=1"], ids=["filled in", "blank"])
@pytest.mark.parametrize("name", ["ames", "classes"])
def test_fractions_of_a_line_that_wraps_do_not_touch(visit: Visit, name: str, query: str) -> None:
    page = _open(visit.page, visit.server, name, query)
    page.set_viewport_size({"width": 390, "height": 900})
    gaps = page.evaluate(GAPS)
    assert gaps
    assert min(gaps) > 2


def test_from_the_filled_in_sheet_to_the_blank_one_and_back_to_the_run(visit: Visit) -> None:
    page = _open(visit.page, visit.server, "house")
    line = page.locator('[data-line="new w2.1.1"] [data-part=result]')
    expect(line).to_contain_text("1.98125")
    page.get_by_role("link", name="Blank").click()
    expect(page.get_by_text("Name", exact=True)).to_be_visible()
    expect(line).not_to_contain_text("1.98125")
    page.get_by_role("link", name="Next step").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Step 1 on paper")
    page.get_by_role("link", name="Back to the run").click()
    visit.ready()


def test_a_line_to_write_on_is_wide_and_stands_on_the_line(visit: Visit) -> None:
    page = _open(visit.page, visit.server, "house", "?blank=1")
    row = page.locator('[data-line="z2.1"]')
    box = row.locator(".blank.result").bounding_box()
    number = row.locator("[data-part=numbers] mn").first.bounding_box()
    assert box
    assert number
    assert box["width"] >= 110  # about three centimetres
    assert abs(box["y"] + box["height"] - number["y"] - number["height"]) < 4


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("query", ["", "?blank=1"], ids=["filled in", "blank"])
def test_axe_finds_nothing(browser: Browser, server: Server, theme: Any, query: str) -> None:
    # axe puts styles of its own into the page, which the policy forbids: only here it is bypassed.
    context = browser.new_context(bypass_csp=True, color_scheme=theme)
    page = _open(context.new_page(), server, "classes", query)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_print_is_black_on_white_without_the_links(browser: Browser, server: Server) -> None:
    context = browser.new_context(color_scheme="dark", viewport=PAPER)
    page = _open(context.new_page(), server, "ames")
    assert page.evaluate(COLOURS) != ["rgb(0, 0, 0)"]
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(COLOURS) == ["rgb(0, 0, 0)"]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    expect(page.get_by_role("link")).to_have_count(0)
    assert page.evaluate(CLIPPED) == []
    pages = page.pdf(format="A4").count(b"/Type /Page\n")
    assert 3 <= pages <= 6
    context.close()


def test_what_is_too_large_is_said_on_a_page_of_its_own(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()  # not a Visit: Chromium notes the status 422 in its console
    spec = {"layers": [{"units": 40}, {"units": 1, "activation": "identity"}]}
    identity = httpx.post(f"{server.url}/api/sessions", json=spec).json()["id"]
    page.goto(f"{server.url}/s/{identity}/worksheet")
    expect(page.get_by_role("heading", level=1)).to_have_text("No worksheet for this run")
    expect(page.locator("main")).to_contain_text("201 parameters; a worksheet holds 30")
    page.get_by_role("link", name="Back to the run").click()
    page.wait_for_selector("html[data-ready]")
    context.close()


def test_the_sheet_has_a_button_to_print_it(visit: Visit) -> None:
    visit.page.add_init_script("window.printed = 0; window.print = () => { window.printed += 1; }")
    page = _open(visit.page, visit.server, "house")
    button = page.get_by_role("button", name="Print")
    button.click()
    assert page.evaluate("window.printed") == 1
    page.emulate_media(media="print")
    expect(button).to_be_hidden()


def test_without_scripts_no_button_promises_to_print(browser: Browser, server: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = _open(context.new_page(), server, "house")
    expect(page.get_by_text("Ctrl+P")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_have_count(0)
    context.close()
