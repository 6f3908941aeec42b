"""One who only watches, in every corner of the page; and the dialog that shares a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Server, Visit
from tests.browser.test_journeys import NON_SQUARE

WATCHING = "You are watching: this link cannot change the run."
KEYS = "ArrowRight ArrowLeft Shift+ArrowRight Shift+ArrowLeft PageDown PageUp Home End Space"
CHANGING = "#transport :is(button, input, select), #rate :is(button, input), #phases button"


@pytest.fixture
def reader(browser: Browser, server: Server, visit: Visit) -> Iterator[Visit]:
    """Somebody who watches the run of `visit`, which stands at step 2."""
    visit.open(NON_SQUARE)
    visit.page.keyboard.press("Shift+ArrowRight")
    visit.page.keyboard.press("Shift+ArrowRight")
    visit.at(2, 0)
    found = Visit(browser.new_page(viewport={"width": 1440, "height": 900}), server)
    found.page.goto(f"{server.url}/s/{httpx.get(visit.api).json()['read_id']}")
    found.ready()
    yield found
    found.page.close()
    assert found.problems == []


def _state(visit: Visit) -> Any:
    """The whole session as the writing key has it."""
    return httpx.get(visit.api).json()


def test_a_link_is_copied_where_the_page_did_not_come_securely(visit: Visit) -> None:
    page = visit.page
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', {get() {}})")
    visit.open()
    copied = """() => { document.addEventListener('copy', () => {
      window.copied = document.activeElement.value; }); }"""
    page.evaluate(copied)
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy the link that can only watch").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("window.copied") == f"{visit.server.url}/s/{_state(visit)['read_id']}"


def test_a_reader_changes_nothing_by_any_control_or_key(visit: Visit, reader: Visit) -> None:
    page, before = reader.page, _state(visit)
    expect(page.locator("#watching")).to_have_text(WATCHING)
    controls = page.locator(CHANGING)
    assert controls.count() == 25
    assert [k for k in range(controls.count()) if controls.nth(k).is_enabled()] == []
    voice, picture = page.locator("#voice[aria-live=polite]"), page.locator(".picture")
    place = picture.bounding_box()
    for key in KEYS.split():
        page.keyboard.press(key)
    expect(voice).to_have_text(WATCHING)
    assert picture.bounding_box() == place  # no notice says it once more and moves the page
    page.locator("#diagram [data-parameter='w2.1.1']").press("Enter")
    page.get_by_role("tab", name="What if").click()
    expect(page.get_by_label("Set this parameter to")).to_be_disabled()
    expect(page.get_by_role("button", name="Set", exact=True)).to_be_disabled()
    handle = page.locator(".slice .now")
    expect(handle).to_be_visible()
    handle.press("ArrowRight")
    expect(page.get_by_role("button", name=re.compile(r"Keep .?\d"))).to_be_disabled()
    handle.press("Enter")
    expect(page.get_by_text(WATCHING)).to_have_count(2)  # the chip, and what is told
    visit.page.keyboard.press("ArrowRight")  # what the reader did would have come before this
    visit.at(2, 1)
    reader.at(2, 1)
    moved = {"cursor": {"step": 2, "phase": 1}, "offset": before["offset"] + 1}
    assert _state(visit) == {**before, **moved}


def test_the_server_refuses_a_reader_whose_page_does_not(visit: Visit, reader: Visit) -> None:
    answer = httpx.post(f"{reader.api}/commands", json={"do": "undo"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "read_only")
    page = reader.page
    code = page.evaluate(
        """(at) => new Promise((tell) => { const ws = new WebSocket(at.replace('http', 'ws'));
          ws.onopen = () => ws.send('{"do": "step", "unit": "step", "by": 1, "id": "x"}');
          ws.onmessage = ({ data }) => { const m = typeof data === 'string' ? JSON.parse(data) : {};
            if (m.id === 'x') { ws.close(); tell(m.error.code); } }; })""",
        f"{reader.api}/live",
    )
    assert code == "read_only"


def test_a_reader_follows_the_writer_and_inspects(visit: Visit, reader: Visit) -> None:
    visit.page.keyboard.press("PageDown")
    visit.at(3, 0)
    reader.at(3, 0)
    httpx.post(f"{visit.api}/commands", json={"do": "change", "learning_rate": 0.2})
    expect(reader.page.locator("#rate")).to_contain_text("α = 0.2 here, from step 3 on")
    reader.page.get_by_label("Example").select_option("2")
    expect(reader.page.locator("[data-control=example-words]")).to_contain_text("in row")
    reader.page.locator("#diagram [data-parameter='w1.2.3']").press("Enter")
    expect(reader.page.locator("#tab-body > div:not([hidden]) h3").first).to_be_visible()
    reader.page.get_by_role("button", name="Share").click()
    dialog = reader.page.get_by_role("dialog")
    expect(dialog.get_by_label("Anyone with this link can only watch")).to_have_value(
        reader.page.url
    )
    expect(dialog.get_by_label("Anyone with this link can change the run")).to_be_hidden()
    assert _state(visit)["id"] not in reader.page.content()


def test_a_reader_starts_a_run_of_their_own(visit: Visit, reader: Visit) -> None:
    reader.page.get_by_label("Preset").select_option("The house in exact numbers")
    reader.at(0, 0)
    expect(reader.page.locator("#watching")).to_be_hidden()
    reader.click("Step forward")
    reader.at(1, 0)
    assert _state(visit)["cursor"] == {"step": 2, "phase": 0}


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_in_the_dialog_and_on_a_readers_page(
    browser: Browser, server: Server, theme: str
) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open()
    page, read_id = visit.page, _state(visit)["read_id"]
    for path in (None, f"{server.url}/s/{read_id}"):
        if path:
            page.goto(path)
            visit.ready()
        page.get_by_label("Theme").select_option(theme)
        found = [Axe().run(page, options={"iframes": False})] if path else []
        page.get_by_role("button", name="Share").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found.append(Axe().run(page, context="dialog"))
        for report in found:
            assert report.violations_count == 0, report.generate_report()
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_dialog_and_a_readers_page_fit(browser: Browser, server: Server, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open()
    visit.page.goto(f"{server.url}/s/{_state(visit)['read_id']}")
    visit.ready()
    expect(visit.page.locator("#watching")).to_be_visible()
    visit.page.get_by_role("button", name="Share").click()
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    box = visit.page.get_by_role("dialog").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    if width == 1440:
        deck = visit.page.locator(".deck").bounding_box()
        assert deck
        assert deck["y"] + deck["height"] <= 900
    context.close()
    assert visit.problems == []
