"""What could not be fetched once is asked for again, and comes when the server answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, Wire


def _fail(page: Page, path: str) -> None:
    page.route(path, lambda route: route.abort())


def _expect_failures_only(visit: Visit) -> None:
    assert visit.problems
    assert all("Failed to load resource" in words for words in visit.problems), visit.problems
    visit.problems.clear()


@pytest.mark.charts
def test_charts_that_could_not_be_had_come_by_themselves(visit: Visit) -> None:
    page = visit.open().page
    words = page.frame_locator("iframe").locator("#loss-words")
    expect(words).to_contain_text("Batch loss at step 0")
    _fail(page, "**/figures/**")
    visit.click("Step forward")
    expect(words).to_have_text("No chart: the server cannot be reached")
    page.unroute("**/figures/**")
    expect(words).to_contain_text("Batch loss at step 1")
    _expect_failures_only(visit)


def test_a_history_that_could_not_be_had_is_asked_for_again(visit: Visit) -> None:
    page = visit.open().page
    path = "**/history"
    _fail(page, path)
    with page.expect_response(path) as answer:
        with page.expect_event("requestfailed"):
            visit.click("Step forward")
        page.unroute(path)
    assert answer.value.ok
    _expect_failures_only(visit)


def test_presets_that_could_not_be_had_are_asked_for_again(visit: Visit) -> None:
    page, path = visit.page, "**/api/presets"
    _fail(page, path)
    with page.expect_event("requestfailed"):
        visit.open()
    page.unroute(path)
    expect(page.locator("[data-control=preset] option")).to_have_count(3)
    _expect_failures_only(visit)


def test_an_explanation_that_failed_while_the_page_was_cut_off_comes_when_it_is_back(
    visit: Visit, wire: Wire
) -> None:
    page = visit.open().page
    wire.cut()
    _fail(page, "**/chain?**")
    page.locator("#diagram [data-parameter='w2.1.1']").press("Enter")
    problem = page.get_by_role("alert").filter(has_text="No answer")
    expect(problem).to_be_visible()
    page.unroute("**/chain?**")
    wire.mend()
    expect(page.locator("#tab-body")).to_contain_text("to see where it lives in the diagram")
    expect(problem).to_have_count(0)
    _expect_failures_only(visit)
