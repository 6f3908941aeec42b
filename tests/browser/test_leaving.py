"""From one run to another, and to a place within the page: what stays, what goes, what is said."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit, Wire
from tests.browser.test_journeys import NON_SQUARE

AMES, HOUSE = "Houses of Ames", "The house in exact numbers"
UNSURE = "What you asked of the run that you left was not answered yet"


def _choose(page: Page, title: str) -> None:
    page.get_by_label("Preset").select_option(title)


def _run(page: Page) -> Any:
    return expect(page.locator("[data-control=run]"))


def _cut(visit: Visit, wire: Wire) -> None:
    wire.cut()
    expect(visit.page.locator("#notices")).to_contain_text("The server restarts")


@pytest.mark.parametrize(
    ("link", "place"), [("Help", "#help"), ("Skip to the controls", "#transport")]
)
def test_a_link_within_the_page_keeps_what_is_shown_and_what_is_not_sent_yet(
    visit: Visit, wire: Wire, link: str, place: str
) -> None:
    page = visit.open().page
    page.locator("#diagram [data-parameter='w2.1.1']").press("Enter")
    expect(page.locator(".chosen")).to_be_visible()
    _cut(visit, wire)
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("link", name=link).press("Enter")
    expect(page.locator(place)).to_be_in_viewport()
    page.go_back()
    wire.mend()
    visit.at(5, 0)
    expect(page.locator(".chosen")).to_be_visible()


def test_who_leaves_a_run_before_it_has_answered_is_told(visit: Visit, wire: Wire) -> None:
    page = visit.open().page
    _cut(visit, wire)
    page.keyboard.press("Shift+ArrowRight")
    _choose(page, HOUSE)
    _run(page).to_contain_text(HOUSE)
    expect(page.get_by_role("status").filter(has_text=UNSURE)).to_be_visible()
    visit.click("Next phase")
    visit.at(0, 1)
    expect(page.locator("#notices p")).to_have_count(0)
    wire.mend()
    page.go_back()
    _run(page).not_to_contain_text(HOUSE)
    visit.at(0, 0)
    expect(page.locator("#notices p")).to_have_count(0)


def test_a_preset_can_be_chosen_again(visit: Visit) -> None:
    page = visit.open().page
    page.route("**/api/sessions", lambda route: route.abort())
    for _ in range(2):
        _choose(page, HOUSE)
        failed = page.get_by_role("alert").filter(has_text="No run could be started")
        expect(page.locator("[data-control=preset] option:checked")).to_have_text(
            "Start again with …"
        )
        failed.get_by_role("button", name="Close this message").click()
    assert len(visit.problems) == 2
    visit.problems.clear()


def test_the_arrow_keys_go_from_one_preset_to_the_next(visit: Visit) -> None:
    page, asked = visit.open().page, list[str]()
    page.on("request", lambda one: one.method == "POST" and asked.append(one.post_data or ""))
    page.get_by_label("Preset").focus()
    for _ in range(2):
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.keyboard.press("ArrowDown")
        visit.at(0, 0)
    assert len(set(asked)) == len(asked) == 2
    page.get_by_label("Preset").blur()
    expect(page.locator("[data-control=preset] option:checked")).to_have_text("Start again with …")


def test_after_back_the_list_of_presets_names_no_run_but_the_one_that_is_shown(
    visit: Visit,
) -> None:
    page = visit.open().page
    page.get_by_label("Preset").focus()
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press("End")
    _run(page).to_contain_text(HOUSE)
    chosen = page.locator("[data-control=preset] option:checked")
    expect(chosen).to_have_text(HOUSE)  # from there the arrow keys go on
    page.go_back()
    _run(page).not_to_contain_text(HOUSE)
    expect(page.get_by_label("Preset")).to_be_focused()
    expect(chosen).to_have_text("Start again with …")


# How wide the list would be if it were as wide as its longest title, less how wide it is.
CUT = """(list) => { const free = list.cloneNode(true);
  Object.assign(free.style, { width: 'auto', flex: 'none', maxWidth: 'none' });
  list.parentElement.append(free);
  const wide = free.offsetWidth;
  free.remove();
  return wide - list.offsetWidth; }"""


@pytest.mark.parametrize("width", [390, 1440])
def test_the_list_of_presets_cuts_no_title(visit: Visit, width: int) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": 844})
    visit.open()
    expect(page.locator("[data-control=preset] option")).to_have_count(3)
    assert page.get_by_label("Preset").evaluate(CUT) <= 0


def _hold(page: Page) -> list[Route]:
    """Hold back the answer to the next run that is asked for."""
    held: list[Route] = []
    page.route("**/api/sessions", lambda route: route.continue_() if held else held.append(route))
    return held


def _release(page: Page, held: list[Route]) -> None:
    with page.expect_response(lambda response: response.request == held[0].request):
        held[0].continue_()


def test_of_two_presets_the_one_chosen_last_is_shown(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    held = _hold(page)
    with page.expect_request("**/api/sessions"):
        _choose(page, HOUSE)
    _choose(page, AMES)
    _run(page).to_contain_text(AMES)
    visit.click("Next phase")
    visit.at(0, 1)
    shown = page.url
    _release(page, held)
    visit.click("Next phase")
    visit.at(0, 2)
    assert page.url == shown


def test_who_goes_back_while_a_run_is_made_stays_there(visit: Visit) -> None:
    page = visit.open().page
    first = page.url
    _choose(page, HOUSE)
    _run(page).to_contain_text(HOUSE)
    held = _hold(page)
    with page.expect_request("**/api/sessions"):
        _choose(page, AMES)
    page.go_back()
    _run(page).not_to_contain_text(HOUSE)
    _release(page, held)
    visit.click("Next phase")
    visit.at(0, 1)
    assert page.url == first


def _parts(page: Page) -> list[Any]:
    controls = ["run", "table", "worksheet"]
    names = [f"[data-control={name}]" for name in controls]
    names += ["#phases", "#diagram", "#panel", "#transport", "#rate"]
    return [expect(page.locator(name)) for name in names]


def test_of_a_run_that_was_left_for_one_that_is_gone_nothing_stays(visit: Visit) -> None:
    page = visit.open().page
    page.evaluate("history.replaceState(null, '', '/s/AAAAAAAAAAAAAAAAAAAAAA')")
    _choose(page, HOUSE)
    _run(page).to_contain_text(HOUSE)
    page.go_back()
    gone = page.get_by_role("alert").filter(has_text="This session is no longer on the server.")
    expect(gone).to_be_visible()
    for part in _parts(page):
        part.to_be_hidden()
    expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")
    _choose(page, HOUSE)
    for part in _parts(page):
        part.to_be_visible()
    visit.at(0, 0)
