"""On a phone: the picture, what is said of it and the buttons that move it are seen together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.explaining import explain, on_a_phone

# Whether what has the focus is hidden by the bar below or by the picture that stays in sight.
COVERED = """() => { const e = document.activeElement, box = e.getBoundingClientRect();
  const edge = (name, side) => document.querySelector(name).getBoundingClientRect()[side];
  return !e.closest('.walk') && box.height < 300 && (box.bottom > edge('.walk', 'top') + 0.5
    || (Boolean(e.closest('#panel')) && box.top < edge('.picture', 'bottom') - 0.5)); }"""


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Visit]:
    found = on_a_phone(browser, server).open()
    yield found
    found.page.context.close()
    assert found.problems == []


def test_picture_words_and_buttons_are_seen_together(phone: Visit) -> None:
    page = phone.page
    page.locator("#phases").evaluate("(e) => e.scrollIntoView()")
    before = page.evaluate("scrollY")
    for phase in range(1, 7):
        page.get_by_role("button", name="Next phase").tap()
        phone.at(0, phase)
        for part in (".network", ".phase-words h2", ".sentence", ".walk"):
            expect(page.locator(part).first).to_be_in_viewport(ratio=1)
        words = page.locator(".sentence").first.bounding_box()
        bar = page.locator(".walk").bounding_box()
        assert words
        assert bar
        assert words["y"] + words["height"] <= bar["y"]
    assert page.evaluate("scrollY") == before
    page.locator("#help").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Play")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [320, 360])
def test_the_buttons_stand_in_one_row_on_a_small_phone(phone: Visit, width: int) -> None:
    phone.page.set_viewport_size({"width": width, "height": 640})
    boxes = [button.bounding_box() for button in phone.page.locator(".walk button").all()]
    places = [(box["x"], box["y"], box["width"], box["height"]) for box in boxes if box]
    assert len(places) == 5
    assert len({y for _, y, _, _ in places}) == 1
    assert all(x >= 0 and x + w <= width and w >= 34 and h >= 40 for x, _, w, h in places)


@pytest.mark.parametrize("selected", [False, True])
def test_nothing_that_has_the_focus_is_covered(phone: Visit, selected: bool) -> None:
    page = phone.page
    if selected:
        page.get_by_role("combobox", name="Explain").fill("w1.1.1")
        page.keyboard.press("Enter")
        expect(page.get_by_role("tabpanel")).to_be_visible()
    first, last = page.get_by_label("Preset"), page.get_by_label("Learning rate slider")
    first.focus()
    assert _covered_on_the_way(page, "Tab", last) == []
    assert _covered_on_the_way(page, "Shift+Tab", first) == []


def _covered_on_the_way(page: Page, key: str, end: Locator) -> list[str]:
    """Go from control to control and tell those that are covered when they have the focus."""
    covered = []
    for _ in range(90):
        page.keyboard.press(key)
        if page.evaluate(COVERED):
            covered.append(page.evaluate("document.activeElement.outerHTML"))
        if end.evaluate("(e) => e === document.activeElement"):
            return covered
    raise AssertionError("the end was not reached")


@pytest.mark.parametrize(("height", "place"), [(450, "relative"), (664, "sticky")])
def test_the_picture_stays_beside_its_explanation_where_there_is_height(
    visit: Visit, height: int, place: str
) -> None:
    """A window of 1440 x 900 at 200 %, and one as low as on a phone with the browser's bars."""
    page = visit.page
    page.set_viewport_size({"width": 720, "height": height})
    visit.open()
    explain(page, "w1.1.1")
    expect(page.locator(".chosen")).to_be_visible()
    expect(page.locator(".picture")).to_have_css("position", place)
    letters = page.locator(".network .unit .title").first.bounding_box()
    assert letters
    assert place == "sticky" or letters["height"] > 12


@pytest.mark.charts
@pytest.mark.parametrize("width", [390, 360])
def test_the_legend_of_the_losses_stands_above_them(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    page = visit.open().page
    page.get_by_role("button", name="Next epoch").click()
    frame = page.frame_locator("iframe")
    expect(frame.locator("#loss .legendtext")).to_have_count(3)
    legend = frame.locator("#loss .legend .bg").bounding_box()
    losses = frame.locator("#loss .nsewdrag").bounding_box()
    assert legend
    assert losses
    assert legend["y"] + legend["height"] <= losses["y"]
    assert losses["height"] > 120


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_words_in_the_picture_have_an_outline_of_its_ground(phone: Visit, theme: str) -> None:
    page = phone.page
    page.get_by_label("Theme").select_option(theme)
    page.get_by_role("button", name="Phase 3: Error").tap()
    phone.at(0, 3)
    ground = page.locator(".picture").evaluate("(e) => getComputedStyle(e).backgroundColor")
    for text in page.locator(".bar-label, .bar-error, .unit .title, .unit .subtitle").all():
        expect(text).to_have_css("paint-order", "stroke")
        expect(text).to_have_css("stroke", ground)
