"""What a page says above its picture: it can be pressed, keeps the focus, and says it once."""

from __future__ import annotations

import httpx
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit, Wire


def _progress(visit: Visit, wire: Wire, step: int) -> None:
    """Let a far jump have come to `step`, and wait until the page says so."""
    wire.tell(type="progress", step=step, target=900_000, done=False)
    expect(visit.page.locator("#notices")).to_contain_text(f"Computing step {step} of 900,000")


def _centre(element: Locator) -> tuple[float, float]:
    box = element.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_cancel_can_be_pressed_while_a_far_jump_tells_how_far_it_has_come(
    visit: Visit, wire: Wire
) -> None:
    page = visit.open().page
    _progress(visit, wire, 10)
    cancel = page.get_by_role("button", name="Cancel")
    page.mouse.move(*_centre(cancel))
    page.mouse.down()
    _progress(visit, wire, 20)
    page.mouse.up()
    visit.click("Next phase")
    visit.at(0, 1)
    assert [command["do"] for command in wire.sent] == ["cancel", "step"]


def test_cancel_keeps_the_focus_and_hands_it_on_when_the_jump_is_done(
    visit: Visit, wire: Wire
) -> None:
    page = visit.open().page
    _progress(visit, wire, 10)
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    _progress(visit, wire, 20)
    expect(cancel).to_be_focused()
    expect(page.get_by_role("progressbar", name="Progress")).to_have_js_property("value", 20)
    wire.tell(type="progress", step=20, target=900_000, done=True)
    expect(page.get_by_role("status").filter(has_text="Stopped: step 20")).to_be_visible()
    expect(cancel).to_have_count(0)
    expect(page.locator("#phases")).to_be_focused()


def test_what_is_told_beside_a_far_jump_is_told_once(visit: Visit, wire: Wire) -> None:
    page = visit.open().page
    wire.tell(type="error", error={"code": "invalid", "message": "not so", "field": None})
    alert = page.locator("#notices").get_by_role("alert")
    expect(alert).to_contain_text("not so")
    told = alert.element_handle()
    _progress(visit, wire, 10)
    _progress(visit, wire, 20)
    assert told.evaluate("(e) => e.isConnected")


def test_a_message_that_is_closed_hands_the_focus_on(visit: Visit) -> None:
    page = visit.open().page
    httpx.post(f"{visit.api}/commands", json={"do": "change", "learning_rate": 0.1})
    page.get_by_role("button", name="Close this message").press("Enter")
    expect(page.locator("#notices p")).to_have_count(0)
    expect(page.locator("#phases")).to_be_focused()
    page.keyboard.press("ArrowRight")
    visit.at(0, 1)
