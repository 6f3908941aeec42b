"""A network of more edges than are drawn one by one: only its strongest, and 48 units of a layer."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_page import overlapping

RNG = np.random.default_rng(11)
LARGE: dict[str, Any] = {
    "dataset": {
        "inputs": RNG.normal(size=(3, 52)).tolist(),
        "targets": RNG.normal(size=(3, 5)).tolist(),
    },
    "layers": [{"units": 60, "activation": "tanh"}, {"units": 5, "activation": "identity"}],
}

BADGES = """() => [...document.querySelectorAll('[data-badge] .badge-chip')].slice(2)
  .map((e) => { const b = e.getBoundingClientRect(); return ['', b.left, b.top, b.right, b.bottom]; })"""
# How wide the drawing is, in pixels: from the first column of units to the last.
DRAWN = """() => { const at = (name) => document.querySelector(`[data-unit='${name}'] circle`)
  .getBoundingClientRect(); return at('2.1').right - at('0.1').left; }"""
# An input none of whose edges is among the strongest.
LONELY = """() => [...document.querySelectorAll("#diagram [data-unit^='0.']")]
  .map((unit) => unit.dataset.unit.slice(2))
  .find((k) => !document.querySelector(`#diagram [data-parameter^='w1.${k}.']`))"""


def _find(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Explain").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator(".factor[data-at]").first).to_be_visible()


def test_a_selection_reacts_to_pointer_and_keys_and_says_what_is_not_drawn(visit: Visit) -> None:
    page = visit.open(LARGE).page
    expect(page.locator(".sentence")).to_have_text(re.compile("y4 [^,]+, … is what"))
    page.get_by_role("button", name="Phase 2:").click()
    expect(page.locator(".sentence")).to_have_text(re.compile("prediction is ([^,]+, ){4}…$"))
    _find(page, "w1.3.4")
    page.locator("#diagram [data-badge='2']").hover()
    expect(page.locator(".factor:has([data-factor='2'])")).to_have_class("factor lit")
    page.locator("#diagram [data-unit='1.20']").click()
    expect(page.locator("#diagram [data-unit='1.20']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".chosen")).to_contain_text("hidden unit 20")
    lonely = page.evaluate(LONELY)
    page.locator(f"#diagram [data-unit='0.{lonely}']").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#diagram [data-unit^='1.']:focus")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("ArrowLeft")
    before = ":is([data-unit^='0.'], [data-parameter^='w1.']):focus"
    expect(page.locator(f"#diagram {before}")).to_have_count(1)
    _find(page, "w1.51.58")
    expect(page.locator(".chosen")).to_contain_text("x51 to h₅₈")  # old badges are gone
    expect(page.locator("[data-badge]")).to_have_count(5)
    labels = [e.get_attribute("aria-label") or "" for e in page.locator("[data-badge]").all()]
    undrawn = [label.partition(", not drawn: ")[2] for label in labels]
    upper, lower = (f"it belongs to the {count} more units" for count in (12, 4))
    assert undrawn == ["", "", upper, upper, lower]
    assert overlapping(page.evaluate(BADGES)) == []
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#diagram .network.narrow")).to_be_visible()
    picture = page.locator("#diagram .network").bounding_box()
    assert picture == page.locator("#diagram canvas").bounding_box()
    assert page.evaluate(DRAWN) > 0.4 * 390
