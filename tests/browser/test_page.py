"""How the page looks and reads: contrast, overlaps, clipping, accessibility, motion."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.test_journeys import NON_SQUARE

ROOT = Path(__file__).parents[2]
TOKENS = (ROOT / "static/css/tokens.css").read_text("utf-8")
BOXES = """() => [...document.querySelectorAll(
    '.pill:not(.hidden) rect, .bias rect, .unit circle, .delta:not(.hidden) rect')]
  .map((e) => { const b = e.getBoundingClientRect();
    return [e.parentNode.dataset.label ?? e.parentNode.dataset.parameter ?? e.parentNode.className.baseVal,
            b.left, b.top, b.right, b.bottom]; })"""
TEXTS = """() => { const s = document.querySelector('.network').getBoundingClientRect();
  return [...document.querySelectorAll('.network text')]
    .filter((e) => e.textContent && e.getClientRects().length && getComputedStyle(e).display !== 'none')
    .map((e) => [e.textContent, e.getBoundingClientRect()])
    .filter(([, b]) => b.width && (b.left < s.left - 1 || b.right > s.right + 1
                                   || b.top < s.top - 1 || b.bottom > s.bottom + 1))
    .map(([text]) => text); }"""


def _theme(start: str) -> dict[str, str]:
    block = TOKENS[TOKENS.index(start) :].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def _luminance(colour: str) -> float:
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("start", [":root {", ':root[data-theme="dark"]'])
def test_contrast_of_the_tokens(start: str) -> None:
    token = _theme(start)
    for ground in ("bg", "surface", "sunken"):
        for text in ("text", "muted"):
            assert _contrast(token[text], token[ground]) >= 4.5, (text, ground)
    for text, ground in (
        ("plus", "plus-faint"),
        ("minus", "minus-faint"),
        ("danger", "danger-faint"),
    ):
        assert _contrast(token[text], token[ground]) >= 4.5, text
        assert _contrast(token[text], token["surface"]) >= 4.5, text
    for line in ("neutral", "control-line", "focus"):
        assert _contrast(token[line], token["surface"]) >= 3, line


def test_both_ways_to_the_dark_theme_set_the_same_tokens() -> None:
    assert _theme(':root[data-theme="dark"]') == _theme(':root:not([data-theme="light"])')


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def overlapping(boxes: list[Any]) -> list[tuple[str, str]]:
    found = []
    for k, (one, *a) in enumerate(boxes):
        for other, *b in boxes[k + 1 :]:
            if min(a[2], b[2]) - max(a[0], b[0]) > 0.5 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5:
                found.append((one, other))
    return found


@pytest.mark.parametrize("spec", [None, NON_SQUARE], ids=["ames", "non-square"])
def test_labels_overlap_nothing(visit: Visit, spec: Any) -> None:
    page = visit.open(spec).page
    last = 6 if spec is None else 8
    for phase in range(last + 1):
        visit.at(0, phase)
        assert overlapping(page.evaluate(BOXES)) == []
        visit.click("Next phase")


@pytest.mark.parametrize(
    ("width", "theme"), [(390, "light"), (768, "light"), (1024, "light"), (1440, "dark")]
)
def test_nothing_is_clipped(browser: Browser, server: Server, width: int, theme: Any) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
    )
    visit = Visit(context.new_page(), server, charts=True).open()
    for phase in range(7):
        visit.at(0, phase)
        assert visit.page.evaluate(TEXTS) == []
        wide = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        visit.click("Next phase")
    context.close()
    assert visit.problems == []


def test_beside_a_tall_network_the_panel_stays_in_sight(visit: Visit) -> None:
    hidden = [{"units": n, "activation": "tanh"} for n in (12, 6)]
    page = visit.open({"layers": [*hidden, {"units": 1, "activation": "identity"}]}).page
    last = page.locator("#diagram [data-unit='1.12']")
    last.evaluate("(e) => e.scrollIntoView({ block: 'end' })")
    expect(last.locator("circle")).to_be_in_viewport(ratio=0.9)
    before = page.evaluate("scrollY")
    assert before > 100
    last.click()
    expect(page.locator(".explanation .head")).to_be_in_viewport(ratio=1)
    expect(last.locator("circle")).to_be_in_viewport(ratio=0.9)
    assert page.evaluate("scrollY") == before


@pytest.mark.parametrize(
    ("size", "zoom"), [((1440, 900), 1), ((1920, 1080), 1.17), ((2560, 1440), 1.45)]
)
def test_a_large_screen_shows_everything_larger(
    browser: Browser, server: Server, size: tuple[int, int], zoom: float
) -> None:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
    )
    page = Visit(context.new_page(), server).open().page
    height = page.get_by_role("button", name="Share").bounding_box()
    assert height
    assert height["height"] == pytest.approx(34 * zoom, rel=0.02)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    expect(page.locator("#rate")).to_be_in_viewport(ratio=1)  # one screen still
    page.get_by_role("combobox", name="Explain").fill("w1.1.1")
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    box = page.locator(".slice .now").bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(middle + 40, box["y"] + box["height"] / 2, steps=3)
    expect(page.locator(".trial-note")).to_be_visible()
    moved = page.locator(".slice .now").bounding_box()
    assert moved
    assert moved["x"] + moved["width"] / 2 == pytest.approx(middle + 40, abs=1.5)
    context.close()


WIDTHS = """() => [...document.querySelectorAll('.edge')].map((e) =>
  [e.dataset.weight, e.dataset.newWeight, e.querySelector('.core').getAttribute('stroke-width')]
    .map(Number))"""


def test_numbers_near_the_largest_there_are_keep_panel_and_picture_true(visit: Visit) -> None:
    hidden, output = {"units": 3, "activation": "relu"}, {"units": 1, "activation": "identity"}
    page = visit.open({"layers": [hidden, output], "learning_rate": 3}).page
    page.get_by_label("Jump to step").fill("1000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="diverges")).to_be_visible()
    expect(page.locator(".phase-words h2")).to_have_text("6 Update")
    step = int((page.locator("main").get_attribute("data-cursor") or "").split(":")[0])
    parts = [
        float(number)
        for layer in visit.step(step)["layers"]
        for key in ("weight_gradients", "bias_gradients")
        for number in np.ravel(layer[key])
    ]
    assert max(map(abs, parts)) > 1e155  # its square is more than a number can hold
    length = page.locator("#panel dt:has-text('Length') + dd").get_attribute("title")
    assert float(length or "") == pytest.approx(math.hypot(*parts), rel=1e-12)
    assert page.evaluate(TEXTS) == []
    widths = page.evaluate(WIDTHS)
    largest = max(abs(weight) for old, new, _ in widths for weight in (old, new))
    for _, new, width in widths:
        assert width == pytest.approx(max(0.75, 5 * abs(new) / largest), abs=0.01)


def test_a_part_of_the_page_that_fails_is_reported_and_stops_no_other(visit: Visit) -> None:
    broken = "export const mountPanel = () => () => { throw new Error('broken'); };"
    visit.page.route(
        "**/mount/panel.js",
        lambda route: route.fulfill(body=broken, content_type="text/javascript"),
    )
    visit.open()
    visit.click("Next phase")
    expect(visit.page.locator("[data-control=position]")).to_contain_text("phase 1")
    assert set(visit.problems) == {"error: broken"}
    visit.problems.clear()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing(browser: Browser, server: Server, theme: str) -> None:
    # axe puts styles of its own into the page, which the policy forbids: only here it is bypassed.
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    visit = Visit(context.new_page(), server, charts=True).open()
    page = visit.page
    page.get_by_label("Theme").select_option(theme)
    page.get_by_role("button", name="Table view").click()
    page.get_by_role("button", name="Phase 5: Back through w¹").click()
    visit.at(0, 5)
    expect(page.locator("iframe")).to_be_attached()
    found = Axe().run(page, options={"iframes": False})
    assert found.violations_count == 0, found.generate_report()
    context.close()


TABS = ("Chain rule", "What if", "Proof", "Gradient", "Two weights")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_in_what_is_explained(
    browser: Browser, server: Server, theme: str
) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    page.get_by_label("Theme").select_option(theme)
    page.locator("#diagram [data-unit='1.2']").click()
    expect(page.locator("#tab-body > div:not([hidden]) h3").first).to_be_visible()
    found = [_look_at_panel(page)]
    page.locator("#diagram [data-parameter='b2.1']").click()
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).not_to_have_attribute("aria-busy", "true")
        found.append(_look_at_panel(page))
    for report in found:
        assert report.violations_count == 0, report.generate_report()
    context.close()


def _look_at_panel(page: Page) -> AxeResults:
    """Of the panel alone: the page around it is the same whatever is explained."""
    return Axe().run(page, context=".explanation", options={"iframes": False})


@pytest.mark.parametrize("width", [390, 768, 1024, 1440])
@pytest.mark.parametrize("digits", ["4", "all"])
def test_nothing_of_an_explanation_is_wider_than_its_place(
    browser: Browser, server: Server, width: int, digits: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    page.get_by_label("Digits").select_option(digits)
    for name in ("u2.2", "w1.2.3"):
        page.get_by_role("combobox", name="Explain").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".chosen")).to_be_visible()
        for tab in TABS if name[0] == "w" else ():
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_role("tabpanel", name=tab)).not_to_have_attribute(
                "aria-busy", "true"
            )
            expect(page.locator("#tab-body > div:not([hidden])")).to_have_count(1)
            _expect_narrow(page)
        _expect_narrow(page)
    context.close()
    assert visit.problems == []


def _expect_narrow(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator("#tab-body").evaluate("(e) => e.scrollWidth - e.clientWidth") <= 0


def test_the_table_view_carries_every_number(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.get_by_role("button", name="Table view").click()
    expect(page.get_by_role("heading", name="Every number of this step")).to_be_in_viewport()
    page.get_by_role("button", name="Phase 8: Update").click()
    visit.at(0, 8)
    found = visit.step(0)
    text = page.locator("#table").inner_text().replace("−", "-")
    for layer in found["layers"]:
        for key in ("weights", "weight_gradients", "new_weights"):
            for row in layer[key]:
                for number in row:
                    assert any(float(t) == number for t in re.findall(r"-?\d[\d.e-]*", text)), (
                        number
                    )
        for key in ("biases", "bias_gradients", "new_biases", "z", "a", "delta"):
            for number in layer[key]:
                assert any(float(t) == number for t in re.findall(r"-?\d[\d.e-]*", text)), number


# Texts of the diagram, and the × where a value is tried: [what, left, top, right, bottom].
PLACES = """() => { const box = (what, e) => { const b = e.getBoundingClientRect();
    return [what, b.left, b.top, b.right, b.bottom]; };
  const texts = [...document.querySelectorAll('.network text')].filter((e) => e.getClientRects().length);
  const cross = document.createRange();
  const button = document.querySelector('.explanation .head button');
  cross.selectNodeContents(button);
  return { note: box('note', document.querySelector('.trial-note')),
           texts: texts.map((e) => box(e.textContent, e)),
           button: box('button', button), cross: box('cross', cross) }; }"""


def test_trying_a_value_hides_nothing_on_a_phone_and_shift_still_steps(
    browser: Browser, server: Server
) -> None:
    phone = {"width": 390, "height": 844}
    visit = Visit(browser.new_page(viewport=phone, has_touch=True), server).open()  # type: ignore[arg-type]
    page = visit.page
    page.get_by_role("combobox", name="Explain").fill("w1.1.1")
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now")).to_be_visible()
    page.locator(".slice .now").press("ArrowRight")
    expect(page.locator(".trial-note")).to_be_visible()
    found = page.evaluate(PLACES)
    assert overlapping([found["note"], *found["texts"]]) == overlapping(found["texts"])
    button, cross = (sum(found[part][1::2]) / 2 for part in ("button", "cross"))
    assert button == pytest.approx(cross, abs=1)
    page.keyboard.press("Shift+ArrowRight")
    visit.at(1, 0)
    expect(page.locator(".trial-note")).to_be_hidden()
    page.close()
    assert visit.problems == []


def test_each_phase_is_announced_in_words_with_its_numbers(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_role("button", name="Phase 3: Error").click()
    voice = page.locator("#voice")
    expect(voice).to_contain_text("Step 0, Error.")
    dollars = visit.step(0)["units"]
    miss = dollars["prediction"][0] - dollars["targets"][0]
    way = "high" if miss > 0 else "low"
    expect(voice).to_contain_text(f"too {way} by ${abs(round(miss)):,}")


def test_with_reduced_motion_nothing_moves(browser: Browser, server: Server) -> None:
    context = browser.new_context(reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open()
    visit.page.get_by_role("button", name="Phase 4: Back through w²").click()
    visit.at(0, 4)
    places = "() => [...document.querySelectorAll('.chevrons[d]')].map((e) => e.getAttribute('d'))"
    first = visit.page.evaluate(places)
    assert first
    visit.page.evaluate(
        "() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))"
    )
    assert visit.page.evaluate(places) == first
    context.close()


@pytest.mark.moving
def test_the_flow_moves_otherwise(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_role("button", name="Phase 4: Back through w²").click()
    visit.at(0, 4)
    chevron = page.locator(".edge .chevrons[d^=M]").first  # none has come in yet
    place = chevron.get_attribute("d")
    assert place
    expect(chevron).not_to_have_attribute("d", place)
