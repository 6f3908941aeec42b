"""Two keys to one run: the one that changes it, and the one that only watches; and coming back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Visit
from tests.nets import SMALL


def state_of(visit: Visit) -> dict[str, Any]:
    return dict(httpx.get(visit.api).json())


def share(page: Page) -> tuple[str, str]:
    """Return the writing and the reading link from the dialog, which stays open."""
    page.get_by_role("button", name="Share").click()
    links = page.locator("#write-link"), page.locator("#read-link")
    return links[0].input_value(), links[1].input_value()


def test_the_dialog_offers_both_links_and_says_which_is_which(visit: Visit) -> None:
    page = visit.open(SMALL).page
    write, read = share(page)
    state = state_of(visit)
    assert (write, read) == (
        f"{visit.server.url}/s/{state['id']}",
        f"{visit.server.url}/s/{state['read_id']}",
    )
    assert write != read
    dialog = page.get_by_role("dialog", name="Share this run")
    expect(dialog.get_by_label("Anyone with this link can change the run")).to_have_value(write)
    expect(dialog.get_by_label("Anyone with this link can only watch")).to_have_value(read)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, link in (("can only watch", read), ("can change the run", write)):
        dialog.get_by_role("button", name=f"Copy the link that {name}").click()
        expect(dialog.get_by_role("status")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == link
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Share")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_dialog_is_accessible_and_fits(
    browser: Browser, server: Server, theme: Any, width: int
) -> None:
    # axe puts styles of its own into the page, which the policy forbids: only here it is bypassed.
    context = browser.new_context(
        bypass_csp=True, color_scheme=theme, viewport={"width": width, "height": 800}
    )
    page = Visit(context.new_page(), server).open(SMALL).page
    share(page)
    found = Axe().run(page, context="#share")
    assert found.violations_count == 0, found.generate_report()
    box = page.locator("#share").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    context.close()


def test_one_who_watches_follows_and_changes_nothing_by_any_control_or_key(visit: Visit) -> None:
    page = visit.open(SMALL).page
    _, read = share(page)
    page.keyboard.press("Escape")
    reader = page.context.new_page()
    reader.goto(read)
    reader.wait_for_selector("html[data-ready]")
    expect(reader.get_by_text("You are watching: this link cannot change the run.")).to_be_visible()
    before = state_of(visit)
    assert before["id"] not in reader.content(), "a reader is not told the writing key"
    reader.locator("#diagram").click(position={"x": 5, "y": 5})
    for key in ("ArrowRight", "Shift+ArrowRight", "PageDown", "End", " ", "Home"):
        reader.keyboard.press(key)
    for control in reader.locator(
        "#transport :is(button, input, select), #rate :is(button, input), #phases button"
    ).all():
        expect(control).to_be_disabled()
    reader.locator("[data-control=find]").fill("w1.1.1")
    reader.get_by_role("button", name="Show", exact=True).click()
    expect(reader.locator(".explanation")).to_be_visible()
    reader.get_by_role("tab", name="What if").click()
    reader.get_by_role("textbox", name="Set this parameter to").fill("0.9")
    reader.get_by_role("button", name="Set", exact=True).click()
    expect(reader.locator("#notices")).to_contain_text("this link cannot change the run")
    assert state_of(visit) == before
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    visit.at(0, 3)
    expect(reader.locator("main")).to_have_attribute("data-cursor", "0:3")
    write, read_again = share(reader)
    assert read_again == read
    assert write.endswith(read.rsplit("/", 1)[1])
    expect(reader.locator("#write-link")).to_be_hidden()
    reader.close()


def test_two_tabs_agree_and_each_hears_of_the_others_edit(visit: Visit) -> None:
    page = visit.open(SMALL).page
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("html[data-ready]")
    for k in range(4):
        (page, other)[k % 2].keyboard.press("ArrowRight")
        for tab in (page, other):
            expect(tab.locator("main")).to_have_attribute("data-cursor", f"0:{k + 1}")
    other.locator("#rate-field").fill("0.2")
    other.locator("#rate-field").press("Enter")
    expect(page.locator("#notices")).to_contain_text("Another viewer changed this run.")
    for tab in (page, other):
        expect(tab.locator("[data-control=edits]")).to_contain_text("α = 0.2")
        expect(tab.locator("[data-control=undo]")).to_be_enabled()
    expect(other.locator("#notices")).not_to_contain_text("Another viewer")
    page.locator("[data-control=undo]").click()
    expect(other.locator("[data-control=edits]")).to_be_hidden()
    other.close()


def test_a_page_comes_back_to_the_same_step_whenever_the_server_is_killed(
    browser: Browser, tmp_path: Path
) -> None:
    """Killed between two key presses, five times: each press counts once."""
    server = Server(tmp_path)
    server.start()
    context = browser.new_context()
    page = context.new_page()
    identity = httpx.post(f"{server.url}/api/sessions", json=SMALL).json()["id"]
    page.goto(f"{server.url}/s/{identity}")
    page.wait_for_selector("html[data-ready]")
    expected = 0
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
        server.kill()
        page.keyboard.press("Shift+ArrowRight")  # into a connection that is gone
        expect(page.locator("#notices")).to_contain_text("Connection lost")
        server.start()
        expected += 2
        expect(page.locator("main")).to_have_attribute("data-cursor", f"{expected}:0")
        expect(page.locator("#notices")).not_to_contain_text("Connection lost")
    state = httpx.get(f"{server.url}/api/sessions/{identity}").json()
    assert state["cursor"] == {"step": expected, "phase": 0}
    assert state["offset"] <= 2 * expected
    context.close()
    server.stop()


def test_a_server_that_restarts_says_so_and_the_page_goes_on(
    browser: Browser, tmp_path: Path
) -> None:
    server = Server(tmp_path)
    server.start()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/")
    page.wait_for_selector("html[data-ready]")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("main")).to_have_attribute("data-cursor", re.compile(r"0:[1-6]"))
    server.stop()
    expect(page.locator("#notices")).to_contain_text("The server restarts; your run is kept.")
    server.start()
    expect(page.locator("#notices")).to_contain_text(
        "Playing stopped while the connection was cut."
    )
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    context.close()
    server.stop()


def test_what_cannot_be_stored_is_said_and_the_page_reads_on(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that may take hardly more than it has."""
    for name, value in {"DISK_BYTES": 150_000, "COMMAND_BURST": 10**6, "MAX_EDITS": 10**6}.items():
        monkeypatch.setenv(f"RETRACE_{name}", str(value))
    server = Server(tmp_path)
    server.start()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/")
    page.wait_for_selector("html[data-ready]")
    url = page.url.replace("/s/", "/api/sessions/")
    with httpx.Client() as filling:
        status, rate, step = 200, 0.01, {"do": "step", "unit": "phase", "by": 1}
        while status == 200:  # each edit is kept with all those before it
            rate += 0.001
            for edit in ({"learning_rate": rate}, {"parameter": "w1.1.1", "value": rate}):
                status = filling.post(f"{url}/commands", json={"do": "change", **edit}).status_code
        while status != 503 or filling.post(f"{url}/commands", json=step).status_code != 503:
            status = filling.post(f"{url}/commands", json=step).status_code  # what is left
    page.keyboard.press("ArrowRight")
    expect(page.locator("#notices")).to_contain_text("nothing was changed, since the disk")
    cursor = page.locator("main").get_attribute("data-cursor")
    stored = httpx.get(url).json()["cursor"]
    assert cursor == f"{stored['step']}:{stored['phase']}"
    page.locator("[data-control=find]").fill("w1.1.1")
    page.keyboard.press("Enter")
    expect(page.locator(".explanation")).to_be_visible()
    context.close()
    server.stop()
