"""What is drawn anew keeps the focus, and stays scrolled to where it was."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_journeys import NON_SQUARE

# More parameters than the table lists; which are the largest is known once there are derivatives.
LARGE: dict[str, Any] = {
    "layers": [
        {"units": 200, "activation": "tanh"},
        {"units": 1, "activation": "identity"},
    ]
}
SCROLLED = "(e) => (e.scrollTop = 200, e.scrollTop)"


def _open_table(visit: Visit, spec: dict[str, Any]) -> Page:
    page = visit.open(spec).page
    page.get_by_role("button", name="Table view").click()
    expect(page.get_by_role("heading", name="Every number of this step")).to_be_in_viewport()
    return page


def _edit_elsewhere(visit: Visit) -> None:
    httpx.post(f"{visit.api}/commands", json={"do": "change", "parameter": "w1.1.1", "value": 3.5})
    row = visit.page.locator("#table tr", has=visit.page.locator("[data-select='w1.1.1']"))
    expect(row.locator("td").first).to_have_text("3.5")


@pytest.mark.parametrize("held", ["[data-select='w2.1.1']", "[aria-label=Parameters]"])
def test_a_table_that_changes_keeps_focus_and_place(visit: Visit, held: str) -> None:
    page = _open_table(visit, NON_SQUARE)
    rows = page.get_by_role("region", name="Parameters")
    page.locator(f"#table {held}").focus()
    assert rows.evaluate(SCROLLED) == 200
    _edit_elsewhere(visit)
    expect(page.locator(f"#table {held}")).to_be_focused()
    assert rows.evaluate("(e) => e.scrollTop") == 200


def test_a_row_that_is_listed_no_more_leaves_the_focus_to_its_table(visit: Visit) -> None:
    page = _open_table(visit, LARGE)
    before = _listed(page)
    page.get_by_role("button", name="Phase 6: Update").click()
    visit.at(0, 6)
    gone = sorted(before - _listed(page))
    page.get_by_role("button", name="Phase 0: Input").click()
    visit.at(0, 0)
    page.locator(f"#table [data-select='{gone[0]}']").focus()
    httpx.post(f"{visit.api}/commands", json={"do": "seek", "step": 0, "phase": 6})
    visit.at(0, 6)
    expect(page.locator("#table")).to_be_focused()


def _listed(page: Page) -> set[str]:
    names = page.get_by_role("region", name="Parameters").locator("[data-select]")
    return set(names.evaluate_all("(all) => all.map((e) => e.dataset.select)"))
