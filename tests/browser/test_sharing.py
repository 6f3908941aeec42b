"""Two keys to one run: the one that changes it, and the one that only watches; and coming back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.explaining import copied
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
        assert copied(page, link) == link
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Share")).to_be_focused()


def test_a_page_comes_back_to_the_same_step_whenever_the_server_is_killed(
    browser: Browser, tmp_path: Path
) -> None:
    """Killed between two key presses, twice: each press counts once."""
    server = Server(tmp_path)
    server.start()
    context = browser.new_context()
    page = context.new_page()
    identity = httpx.post(f"{server.url}/api/sessions", json=SMALL).json()["id"]
    page.goto(f"{server.url}/s/{identity}")
    page.wait_for_selector("html[data-ready]")
    expected = 0
    for _ in range(2):
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
