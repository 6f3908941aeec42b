"""Curves of the loss along a weight that are very wide or that end where the loss overflows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from app.timeline.presets import HOUSE
from tests.browser.conftest import Visit

DRAWN = """async (slice) => {
  const { lossAt, viewSlice } = await import('/static/js/views/slice.js');
  const view = viewSlice(slice, 0);
  const ends = [view.tangent, view.secant?.ends ?? []].flat(2);
  const points = view.path.slice(1).split('L').map((point) => point.split(',').map(Number));
  const between = slice.values.map((value, k) => lossAt(slice, value) / slice.losses[k] - 1 || 0);
  return { ends, points, now: view.now, between, x: view.marks.map(({ place }) => place[0]) }; }"""


def _one(x: float, w: float, y: float, rate: float) -> dict[str, Any]:
    return {
        "dataset": {"inputs": [[x]], "targets": [[y]]},
        "layers": [{"units": 1, "activation": "identity"}],
        "initial": {"weights": [[[w]]]},
        "learning_rate": rate,
    }


@pytest.mark.parametrize(
    ("spec", "step", "name", "marks"),
    [
        (_one(1656, 0.1, 150_000, 0.05), 0, "w1.1.1", 4),
        ({**HOUSE, "learning_rate": 0.3}, 7, "w2.1.1", 0),
        (_one(1, 1.3e154, 0, 1.0), 0, "w1.1.1", 2),
        (_one(1, 1.3e154, 0, 0.01), 0, "w1.1.1", 4),
    ],
    ids=["wide", "no landing is finite", "cut on both sides", "cut above"],
)
def test_a_curve_of_extreme_numbers_is_drawn(
    visit: Visit, spec: dict[str, Any], step: int, name: str, marks: int
) -> None:
    page = visit.open(spec).page
    httpx.post(f"{visit.api}/commands", json={"do": "seek", "step": step, "phase": 0})
    found = httpx.get(f"{visit.api}/steps/{step}/slice", params={"parameter": name}).json()
    drawn = page.evaluate(DRAWN, found)
    numbers = [*drawn["ends"], *drawn["now"], *(n for point in drawn["points"] for n in point)]
    assert all(isinstance(number, int | float) and abs(number) < 1e7 for number in numbers)
    assert len(drawn["x"]) == marks
    assert drawn["between"] == pytest.approx([0] * len(found["values"]), abs=1e-4)
    x, y = zip(*drawn["points"], strict=True)
    assert sum(0 < place < 190 for place in y) > 40  # in the picture
    assert list(x) == sorted(x)
    assert (x[0], x[-1]) == (8, 432)  # the whole width of the picture
    page.get_by_role("combobox", name="Explain").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    caption = page.locator("#tab-body p", has_text="drag the point")
    expect(caption).to_contain_text("overflows" if found["cut"] else "drag the point")
    assert visit.problems == []
