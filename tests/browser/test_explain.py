"""Click any weight: by mouse, by touch, by keyboard; every number against the JSON of the same step."""

from __future__ import annotations

import math
import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.timeline.presets import HOUSE
from tests.browser.conftest import Server, Visit
from tests.browser.test_journeys import NON_SQUARE
from tests.browser.test_page import overlapping
from tests.mathml import contradictions

RNG = np.random.default_rng(8)
CLASSES: dict[str, Any] = {
    "dataset": {
        "inputs": RNG.normal(size=(6, 3)).tolist(),
        "targets": np.eye(3)[RNG.integers(0, 3, 6)].tolist(),
    },
    "layers": [{"units": 4, "activation": "relu"}, {"units": 3, "activation": "softmax"}],
    "loss": "categorical_cross_entropy",
    "batch_size": 2,
}
YES_OR_NO: dict[str, Any] = {
    "dataset": {"inputs": [[0.3, -1.2], [1.1, 0.4]], "targets": [[1, 0], [0, 1]]},
    "layers": [{"units": 3, "activation": "sigmoid"}, {"units": 2, "activation": "sigmoid"}],
    "loss": "binary_cross_entropy",
}
SQUARES: dict[str, Any] = {**NON_SQUARE, "loss": "mean_squared_error"}
SQUARES["layers"] = [{"units": 3, "activation": "tanh"}, {"units": 2, "activation": "tanh"}]
WIDE: dict[str, Any] = {
    "dataset": {
        "inputs": RNG.normal(size=(3, 2)).tolist(),
        "targets": RNG.normal(size=(3, 2)).tolist(),
    },
    "layers": [{"units": 3}, {"units": 14}, {"units": 15}, {"units": 2, "activation": "identity"}],
}


def _chain(visit: Visit, parameter: str, step: int = 0, example: int = 0) -> dict[str, Any]:
    query = {"parameter": parameter, "example": example}
    reply = httpx.get(f"{visit.api}/steps/{step}/chain", params=query)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def _click(page: Page, parameter: str) -> None:
    """Click where the parameter says its number: edges cross, labels do not."""
    page.keyboard.press("Escape")
    kind = "pill" if parameter[0] == "w" else "bias"
    key = "label" if parameter[0] == "w" else "parameter"
    page.locator(f"#diagram .{kind}[data-{key}='{parameter}']").click()


def _find(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Explain").fill(name)
    page.get_by_role("button", name="Show", exact=True).click()


def _factors(page: Page) -> list[tuple[str, str, float]]:
    found = page.evaluate(
        "() => [...document.querySelectorAll('.factor[data-at]')].map((e) => ({...e.dataset}))"
    )
    return [(f["kind"], f["at"], float(f["value"])) for f in found]


def _expect_chain(page: Page, found: dict[str, Any], path: int = 0) -> None:
    expected = [(f["kind"], f["at"], f["value"]) for f in found["paths"][path]["factors"]]
    result = page.locator("#tab-body [data-result]")
    expect(result).to_have_attribute("data-of", found["parameter"])
    expect(result).to_have_attribute("data-result", _text(found["paths"][path]["product"]))
    assert _factors(page) == expected


def _text(number: float) -> str:
    """A number as JavaScript writes it."""
    text = repr(number + 0.0).removesuffix(".0")  # there is no −0 in text
    return re.sub(r"e([+-])0*", lambda m: "e" + (m[1] if m[1] == "-" else "+"), text)


def _badges(page: Page) -> list[tuple[str, str]]:
    script = "() => [...document.querySelectorAll('[data-badge]')].map((e) => [e.dataset.badge, e.dataset.at])"
    return [(number, at) for number, at in page.evaluate(script)]


def test_a_click_explains_a_weight_with_the_numbers_of_the_step(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    for parameter, example in (("w1.1.2", 0), ("w2.3.1", 0), ("w3.2.2", 2)):
        page.get_by_label("Example").select_option(str(example))
        _click(page, parameter)
        found = _chain(visit, parameter, 0, example)
        _expect_chain(page, found)
        places = [(str(k), f["at"]) for k, f in enumerate(found["paths"][0]["factors"])]
        assert _badges(page) == places
        assert math.prod(value for _, _, value in _factors(page)) == pytest.approx(
            found["paths"][0]["product"], rel=1e-14
        )
        lit = page.locator("#diagram .unit:not(.dimmed)")
        units = {
            f["at"] for f in found["paths"][0]["factors"] if re.fullmatch(r"\d+\.\d+", f["at"])
        }
        assert {e.get_attribute("data-unit") for e in lit.all()} == units


def test_all_paths_are_listed_and_each_opens(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _click(page, "w1.2.3")
    found = _chain(visit, "w1.2.3")
    assert len(found["paths"]) == 6
    expect(page.locator("[data-sum]")).to_have_attribute("data-sum", _text(found["derivative"]))
    products = page.locator("[data-product]")
    assert [float(e.get_attribute("data-product") or "") for e in products.all()] == [
        path["product"] for path in found["paths"]
    ]
    page.locator("[data-key=path4]").click()
    _expect_chain(page, found, 4)
    expect(page.locator("[data-key=path4]")).to_have_attribute("aria-pressed", "true")


def test_a_path_is_called_by_the_units_it_goes_through(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _click(page, "w1.2.3")
    names = page.locator("[data-key^=path]")
    expect(names).to_have_count(6)
    paths = [f"ŷ{o} ← h²{h} ← h¹₃" for o in "₁₂" for h in "₁₂₃"]
    assert sorted(names.all_text_contents()) == paths
    visit.open(CLASSES)
    _click(page, "b1.2")
    expect(names).to_have_count(3)
    assert sorted(names.all_text_contents()) == ["ŷ₁ ← h₂", "ŷ₂ ← h₂", "ŷ₃ ← h₂"]


def test_the_batch_is_the_mean_of_its_examples(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _click(page, "w2.1.2")
    found = _chain(visit, "w2.1.2")
    expect(page.locator("[data-example]")).to_have_count(3)
    shown = [
        float(e.get_attribute("data-example") or "") for e in page.locator("[data-example]").all()
    ]
    assert shown == found["examples"]
    assert np.mean(shown) == pytest.approx(found["batch_derivative"], rel=1e-12)
    page.get_by_role("button", name="example 3").click()
    _expect_chain(page, _chain(visit, "w2.1.2", 0, 2))


def test_pointing_at_a_factor_lights_its_place_and_the_other_way_round(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _click(page, "w2.3.1")
    expect(page.locator(".badge-mark")).to_have_count(5)
    page.locator(".factor .badge").nth(2).hover()
    expect(page.locator(".badge-mark.lit")).to_have_attribute("data-badge", "2")
    expect(page.locator(".detail")).to_contain_text("the weight w³₁₁")
    page.get_by_label("Digits").select_option("all")
    page.locator(".factor .badge").nth(3).hover()
    z = _text(visit.step(0)["layers"][1]["z"][0]).replace("-", "−")
    expect(page.locator(".detail")).to_contain_text(f"for h²₁, at z = {z}")
    page.locator(".badge-mark[data-badge='3']").hover()
    expect(page.locator(".factor.lit .badge")).to_have_attribute("data-factor", "3")
    page.locator("h1").hover()
    expect(page.locator(".factor.lit, .badge-mark.lit")).to_have_count(0)


PARTS = """() => [...document.querySelectorAll('.factor')].flatMap((factor) => [...factor.children].map((part) => {
  const { x, y, width, height } = part.getBoundingClientRect();
  return [part.localName, x, y, width, height]; }))"""


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_lighting_a_factor_moves_no_part_of_the_formula(
    browser: Browser, server: Server, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = Visit(context.new_page(), server).open(NON_SQUARE).page
    _find(page, "w2.3.1")
    expect(page.locator(".factor[data-at]")).to_have_count(5)
    page.locator(".factor .badge").first.scroll_into_view_if_needed()
    before = page.evaluate(PARTS)
    for k in range(5):
        page.locator(".factor .badge").nth(k).focus()
        expect(page.locator(".factor.lit .badge")).to_have_attribute("data-factor", str(k))
        lit = page.locator(".factor.lit").evaluate(
            "(e) => [getComputedStyle(e, '::before').content, e.scrollHeight - e.clientHeight]"
        )
        assert lit == ['""', 0]
        assert page.evaluate(PARTS) == before
    context.close()


def test_too_many_paths_are_folded_and_opened_one_layer_at_a_time(visit: Visit) -> None:
    page = visit.open(WIDE).page
    _find(page, "w1.2.3")
    found = _chain(visit, "w1.2.3")
    assert (len(found["paths"]), found["path_count"]) == (1, 14 * 15 * 2)
    _expect_chain(page, found)
    terms = page.locator(".terms li:has(button)")
    expect(terms).to_have_count(14)
    assert contradictions(page.locator(".terms").inner_html()) == []
    largest = max(found["paths"][0]["terms"], key=lambda term: abs(term["product"]))
    unit = largest["factors"][-1]["at"]
    terms.first.get_by_role("button").click()
    _expect_chain(page, _chain(visit, f"b{unit}"))
    expect(page.locator(".crumbs")).to_contain_text("w¹₂₃ › δ of")
    way = page.locator(f"#diagram [data-parameter='w2.3.{unit.split('.')[1]}']")
    expect(way).not_to_have_class(re.compile("dimmed"))  # from h3 to the unit whose delta is open
    page.locator(".crumbs").get_by_role("button", name="w¹₂₃").click()
    _expect_chain(page, found)


def test_everything_by_keyboard_alone(visit: Visit) -> None:
    page = visit.open().page
    page.locator("#phases button").last.focus()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("data-unit", "0.1")
    assert "living area" in (page.locator(":focus").get_attribute("aria-label") or "")
    for key, name in (
        ("ArrowDown", "u0.2"),
        ("ArrowRight", "w1.2.2"),
        ("ArrowRight", "u1.2"),
        ("ArrowUp", "b1.2"),
        ("ArrowUp", "u1.1"),
        ("ArrowRight", "w2.1.1"),
        ("ArrowDown", "w2.2.1"),
        ("ArrowLeft", "u1.2"),
        ("ArrowLeft", "w1.2.2"),
    ):
        page.keyboard.press(key)
        kind = f"[data-unit='{name[1:]}']" if name[0] == "u" else f"[data-parameter='{name}']"
        expect(page.locator(f"#diagram {kind}")).to_be_focused()
        expect(page.locator(f"#diagram {kind}")).to_have_attribute("aria-pressed", "true")
    visit.at(0, 0)
    expect(page.locator("#voice")).to_contain_text("Explained: w¹₂₂")
    expect(page.locator(".badge-mark")).to_have_count(5)
    for k in range(5):
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_attribute("data-badge", str(k))
        expect(page.locator(".factor.lit .badge")).to_have_attribute("data-factor", str(k))
    close = page.get_by_role("button", name="Close: back to the phase")
    page.keyboard.press("Tab")
    expect(close).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Chain rule")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="What if")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_have_attribute("aria-labelledby", "tab-slice")
    handle = page.get_by_role("slider", name="What if w¹₂₂ were")
    expect(handle).to_be_visible()
    handle.focus()
    before = float(handle.get_attribute("aria-valuenow") or "")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".trial-note")).to_be_visible()
    assert float(handle.get_attribute("aria-valuenow") or "") > before
    page.keyboard.press("Escape")
    expect(page.locator(".trial-note")).to_be_hidden()
    expect(handle).to_have_attribute("aria-valuenow", _text(before))
    page.keyboard.press("PageUp")
    expect(handle).not_to_have_attribute("aria-valuenow", _text(before))
    tried = float(handle.get_attribute("aria-valuenow") or "")
    page.keyboard.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("w¹₂₂")
    assert visit.step(0)["layers"][0]["weights"][1][1] == tried


def _drag(page: Page, by: float) -> None:
    box = page.locator(".slice .now").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=6)


def test_a_dragged_weight_moves_the_diagram_and_comes_back(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.get_by_role("button", name="Phase 7: Back through w¹").click()
    visit.at(0, 7)
    _click(page, "w2.2.3")
    page.get_by_role("tab", name="What if").click()
    edge = page.locator("#diagram [data-parameter='w2.2.3']")
    own = visit.step(0)["layers"][1]["weights"][1][2]
    expect(edge).to_have_attribute("data-weight", _text(own))
    _drag(page, 70)
    handle = page.locator(".slice .now")
    tried = handle.get_attribute("aria-valuenow") or ""
    assert float(tried) > own
    expect(edge).to_have_attribute("data-weight", tried)
    expect(page.locator(".picture")).to_have_class(re.compile("trying"))
    moved = page.locator("#diagram [data-unit='3.1']").get_attribute("data-a")
    page.mouse.up()
    expect(edge).to_have_attribute("data-weight", _text(own))
    expect(page.locator(".trial-note")).to_be_hidden()
    assert httpx.get(visit.api).json()["edits"] == []
    page.get_by_role("button", name=re.compile("^Keep")).click()
    expect(edge).to_have_attribute("data-weight", tried)
    assert visit.step(0)["layers"][1]["weights"][1][2] == float(tried)
    assert page.locator("#diagram [data-unit='3.1']").get_attribute("data-a") == moved
    assert float(moved or "") == visit.step(0)["layers"][2]["a"][0]
    visit.click("Undo edit")
    expect(edge).to_have_attribute("data-weight", _text(own))


def test_the_curve_is_the_houses_parabola(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _click(page, "w2.1.1")
    page.get_by_role("tab", name="What if").click()
    body = page.locator("#tab-body")
    expect(body).to_contain_text("of slope ∂E/∂w²₁₁ = +0.3750")
    expect(body.locator(".landings")).to_contain_text("1.9812")
    wiggle = page.get_by_label("Wiggle h")
    wiggle.fill("0")
    expect(body.locator(".quotient th").first).to_have_text("(E(w²₁₁ + h) − E(w²₁₁)) / h")
    quotients = []
    for _ in range(5):
        quotients.append(float(body.locator("[data-of=quotient]").inner_text()))
        wiggle.press("ArrowRight")
    # ((0.75 (2 + h) - 1)^2 - 0.25) / 2h = 0.375 + 0.28125 h
    assert quotients == pytest.approx([0.375 + 0.28125 * 10.0**-k for k in range(5)], abs=1e-8)


def test_a_wrong_value_is_named_and_a_right_one_becomes_an_edit(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _click(page, "w2.1.1")
    page.get_by_role("tab", name="What if").click()
    field = page.get_by_label("Set this parameter to")
    field.fill("much")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="“much” is not a value")).to_be_visible()
    field.fill("1.5")
    field.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("w²₁₁ = 1.5")
    assert visit.step(0)["prediction"] == [0.75 * 1.5]


GAPS = """async () => {
  const { gapText } = await import('/static/js/views/proof.js');
  return [0, -0.00032, 1.5, -0.1, 3.2e-10].map((gap) => gapText(gap)); }"""


def test_every_parameter_is_proved_on_the_spot(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    assert page.evaluate(GAPS) == ["0", "−0.00032", "1.50", "−0.10", "3.2e−10"]
    _click(page, "w1.2.3")
    page.get_by_role("tab", name="Proof").click()
    expect(page.locator(".proof[data-agrees=true]")).to_have_count(2)
    page.get_by_role("button", name="Check all 35").click()
    expect(page.locator("#tab-body")).to_contain_text("35 of 35 agree, worst gap")
    visit.click("Step forward")
    visit.at(1, 0)
    expect(page.get_by_role("button", name="Check all 35")).to_be_visible()


def test_at_a_kink_the_proof_gives_no_number(visit: Visit) -> None:
    spec = {
        "dataset": {"inputs": [[1.0]], "targets": [[1.0]]},
        "initial": {"weights": [[[0.0]], [[1.0]]], "biases": [[0.0], [0.0]]},
        "layers": [{"units": 1, "activation": "relu"}, {"units": 1, "activation": "identity"}],
    }
    page = visit.open(spec).page
    _click(page, "w1.1.1")
    page.get_by_role("tab", name="Proof").click()
    expect(page.locator(".proof")).to_contain_text("so there is no number")
    expect(page.locator(".proof math")).to_have_count(0)
    page.get_by_role("button", name="Check all").click()
    expect(page.locator("#tab-body")).to_contain_text("2 at a kink of ReLU")


def test_at_a_kink_the_curve_and_the_chain_say_so_too(visit: Visit) -> None:
    spec = {
        "dataset": {"inputs": [[1.0]], "targets": [[1.0]]},
        "initial": {"weights": [[[0.0]], [[1.0]]], "biases": [[0.0], [0.0]]},
        "layers": [{"units": 1, "activation": "relu"}, {"units": 1, "activation": "identity"}],
    }
    page = visit.open(spec).page
    _click(page, "w1.1.1")
    expect(page.locator(".result")).to_contain_text("at a ReLU's kink")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator("#tab-body")).to_contain_text("the curve has a corner")


def test_a_late_answer_is_never_shown_under_another_name_or_step(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    held: list[Any] = []
    page.route(re.compile(r"/chain\?parameter=w3\.2\.2"), lambda route: held.append(route))
    _click(page, "w1.1.2")
    _expect_chain(page, _chain(visit, "w1.1.2"))
    _click(page, "w3.2.2")
    expect(page.locator(".chosen")).to_contain_text("weight, h²₂ to ŷ₂")
    expect(page.locator("[data-result]")).to_be_hidden()
    expect(page.locator(".copying")).to_be_hidden()
    _click(page, "w2.1.3")
    _expect_chain(page, _chain(visit, "w2.1.3"))
    for route in held:
        route.continue_()
    visit.click("Step forward")
    visit.at(1, 0)
    _expect_chain(page, _chain(visit, "w2.1.3", 1))


def test_a_late_trial_does_not_come_after_letting_go(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _click(page, "w2.2.3")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    held: list[Any] = []
    page.route(re.compile("/trial"), lambda route: held.append(route))
    _drag(page, 60)
    page.wait_for_function("() => document.querySelector('.slice .now.held')")
    page.mouse.up()
    expect(page.locator(".slice .now.held")).to_have_count(0)
    for route in held:
        route.continue_()
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    assert held
    expect(page.locator(".trial-note")).to_be_hidden()
    expect(page.locator("#diagram [data-parameter='w2.2.3']")).to_have_attribute(
        "data-weight", _text(visit.step(0)["layers"][1]["weights"][1][2])
    )


def test_a_value_tried_at_one_step_is_not_kept_at_another(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _click(page, "w2.2.3")
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    page.mouse.up()
    keep = page.get_by_role("button", name=re.compile("^Keep"))
    expect(keep).to_be_enabled()
    visit.click("Step forward")
    visit.at(1, 0)
    expect(keep).to_be_disabled()


def test_a_large_check_shows_progress_and_can_be_cancelled(visit: Visit) -> None:
    rng = np.random.default_rng(1)
    data = {
        "inputs": rng.normal(size=(8, 60)).tolist(),
        "targets": rng.normal(size=(8, 5)).tolist(),
    }
    layers = [{"units": 300, "activation": "tanh"}, {"units": 5, "activation": "identity"}]
    page = visit.open(
        {"dataset": data, "layers": layers, "batch_size": 8, "learning_rate": 1e-3}
    ).page
    _find(page, "w2.7.3")
    page.get_by_role("tab", name="Proof").click()
    page.get_by_role("button", name="Check all 19,805").click()
    expect(page.get_by_label("Checked")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#tab-body")).to_contain_text("Cancelled after")


def test_four_things_in_four_places(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    _click(page, "w2.1.1")
    page.get_by_role("tab", name="Gradient").click()
    places = page.locator(".place")
    expect(places).to_have_count(4)
    expect(places.nth(0)).to_contain_text("+0.3750")
    expect(places.nth(1)).to_contain_text("2.2673")  # |(2, 1, 0.375)|
    expect(places.nth(1)).to_contain_text("3 of 3")
    expect(places.nth(1)).to_contain_text("2.7 %")
    expect(places.nth(1)).to_contain_text("The largest is w¹₁₁")
    expect(places.nth(2)).to_contain_text("−0.01875")
    expect(places.nth(3)).to_contain_text("1.98125")


def test_the_largest_partial_derivative_is_explained_by_what_made_it_large(visit: Visit) -> None:
    page = visit.open({**NON_SQUARE, "batch_size": 4}).page
    found = _chain(visit, "w1.1.1")
    largest, example = (found["gradient"][key] for key in ("largest", "largest_example"))
    assert largest[0] == "b", "a bias of an output: its factors are the error, 1 and 1"
    _find(page, "w1.1.1")
    page.get_by_role("tab", name="Gradient").click()
    said = page.locator(".largest")
    expect(said).to_contain_text(f"Example {example + 1} contributes most")
    mean, factors = said.locator("math").all()
    found = _chain(visit, largest, 0, example)
    shown = [_read(number) for number in mean.locator("mn").all_text_contents()]
    assert shown[4:8] == pytest.approx(found["examples"], abs=5e-5)
    assert shown[-1] == pytest.approx(found["batch_derivative"], abs=5e-5)
    assert contradictions(said.inner_html()) == []
    assert [_read(number) for number in factors.locator("mn").all_text_contents()] == pytest.approx(
        [found["derivative"], 1, 1, found["derivative"]], abs=5e-5
    )
    expect(said).to_contain_text(re.compile("All of it comes from ∂Eₖ/∂ŷ[₁₂] = "))


def test_components_left_out_are_those_it_is_said(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    layers = visit.step(0)["layers"]
    sizes: list[float] = []
    for layer in layers:
        sizes += [abs(number) for row in layer["weight_gradients"] for number in row]
        sizes += map(abs, layer["bias_gradients"])
    own = abs(layers[0]["weight_gradients"][1][2])
    larger = sum(size > own for size in sizes)
    assert 9 < larger < 34
    _find(page, "w1.2.3")
    page.get_by_role("tab", name="Gradient").click()
    expect(page.locator(".bars li")).to_have_count(9)
    expect(page.locator(".bars li").nth(7)).to_have_text(f"…{larger - 7} between")
    expect(page.locator(".bars li").last).to_contain_text("w¹₂₃")
    expect(page.locator(".place").nth(1)).to_contain_text(
        f"{34 - larger} more, none of them larger"
    )


def test_a_unit_is_a_bill_a_curve_and_its_delta(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.locator("#diagram [data-unit='2.3']").click()
    layer = visit.step(0)["layers"][1]
    body = page.locator("#tab-body > div:not([hidden])")
    expect(body.locator(".plot svg")).to_have_count(1)
    numbers = [
        float(e.get_attribute("data-value") or "")
        for e in body.locator("section").first.locator("[data-value]").all()
    ]
    amounts, weights, products = numbers[0:12:3], numbers[1:12:3], numbers[2:12:3]
    assert amounts == visit.step(0)["layers"][0]["a"]
    assert weights == [row[2] for row in layer["weights"]]
    assert products == pytest.approx(np.multiply(amounts, weights))
    assert numbers[-2:] == [layer["biases"][2], layer["z"][2]]
    body.get_by_role("button", name="h¹₂: explain its weight").click()
    expect(page.locator(".chosen")).to_contain_text("weight, h¹₂ to h²₃")


def test_the_chain_says_what_a_run_of_float32_has_rounded_the_product_to(visit: Visit) -> None:
    data = {"inputs": [[1.3, 0.7, -0.4]], "targets": [[10, -20]]}
    layers = [{"units": units, "activation": "identity"} for units in (1, 2)]
    initial = {"weights": [[[3.1], [2.3], [1.7]], [[5.7, -3.3]]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "precision": "float32"}
    page = visit.open(spec).page
    own = visit.step(0)["layers"][1]["weight_gradients"][0][0]
    _find(page, "w2.1.1")
    words = page.locator(".result .hint").first
    expect(words).to_contain_text(f"rounded to float32 the run has {_text(own)}")
    _find(page, "b2.1")
    expect(words).to_contain_text("to lower the loss")
    expect(words).not_to_contain_text("float32")


def test_where_nothing_moves_no_component_is_called_the_largest(visit: Visit) -> None:
    data = {"inputs": [[1, 2], [3, 4]], "targets": [[0], [0]]}
    still = {"dataset": data, "initial": {"scheme": "zeros"}, "batch_size": 2}
    page = visit.open(still).page
    _find(page, "w1.1.1")
    page.get_by_role("tab", name="Gradient").click()
    expect(page.get_by_text("All of them are 0: nothing will move.")).to_be_visible()
    expect(page.locator(".largest")).to_have_count(0)
    _find(page, "b9.1")
    expect(page.get_by_role("alert").filter(has_text="b9.1")).to_contain_text(
        "there are b1.1 to b1.3, b2.1"
    )
    assert visit.problems == []


def test_an_unknown_name_is_answered_with_those_nearby(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    for text, nearby in (
        ("w2.9.1", "w2.1.1 to w2.4.3"),
        ("b3.7", "b3.1 to b3.2"),
        ("u1.9", "u1.1 to u1.4"),
        ("hello", "w1.1.1 to w1.2.4"),
    ):
        _find(page, text)
        expect(page.get_by_role("alert").filter(has_text=f"“{text}”")).to_contain_text(nearby)
    _find(page, "w³₂,₁")
    expect(page.locator("#diagram [data-parameter='w3.2.1']")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_the_table_leads_to_the_explanation(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.get_by_role("button", name="Table view").click()
    page.locator("#table [data-select='w3.1.2']").click()
    _expect_chain(page, _chain(visit, "w3.1.2"))
    expect(page.locator(".chosen")).to_be_in_viewport()
    page.locator("#table [data-select='u2.1']").click()
    expect(page.locator(".chosen")).to_contain_text("hidden unit 1 of layer 2")


def test_the_explanation_follows_the_run(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _click(page, "w1.1.2")
    expect(page.locator(".note")).to_contain_text("Show it there: phase 7")
    page.get_by_role("button", name="Show it there: phase 7").click()
    visit.at(0, 7)
    expect(page.locator(".note")).to_contain_text("Step 0, with the weights before the update")
    visit.click("Step forward")
    visit.at(1, 7)
    _expect_chain(page, _chain(visit, "w1.1.2", 1))
    page.get_by_label("Speed").select_option("60 steps/s")
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".note")).not_to_contain_text("Step 1,")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    step = int((page.locator("main").get_attribute("data-cursor") or "").split(":")[0])
    _expect_chain(page, _chain(visit, "w1.1.2", step))


def test_two_weights_at_once(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    assert page.evaluate("typeof Plotly") == "undefined"
    _click(page, "w2.1.1")
    page.get_by_role("tab", name="Two weights").click()
    frame = page.frame_locator("iframe[title='The loss over two parameters']")
    expect(frame.locator("#surface .contourlayer .contour")).to_be_attached()
    expect(frame.locator("#surface .legendtext")).to_have_text(
        ["run so far", "now", "next point", "gradient, uphill", "update"]
    )
    expect(page.get_by_role("tabpanel")).to_contain_text("its length not to scale")
    expect(frame.locator("#surface .contourlayer")).to_have_css("opacity", "1")
    scroller = page.get_by_role("tabpanel").bounding_box()
    axis = frame.locator("#surface .xtitle").bounding_box()
    assert axis
    assert scroller
    assert axis["y"] + axis["height"] < scroller["y"] + scroller["height"]  # seen as a whole
    field = page.get_by_label("Second parameter")
    for text, answer in (("w7.1.1", "there are w1.1.1 to"), ("w2.1.1", "another than the first")):
        field.fill(text)
        field.press("Enter")
        expect(page.get_by_role("alert").filter(has_text=answer)).to_be_visible()
    field.fill("w1.2.1")
    field.press("Enter")
    expect(frame.locator("#surface .ytitle")).to_have_text("w¹₂₁")


def test_by_touch_the_diagram_stays_in_sight(browser: Browser, server: Server) -> None:
    # With reduced motion the page does not scroll smoothly: what is measured stays where it is.
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
    )
    visit = Visit(context.new_page(), server).open()
    page = visit.page
    page.locator("#diagram [data-parameter='w1.3.1'] .target").tap(force=True)
    _expect_chain(page, _chain(visit, "w1.3.1"))
    expect(page.locator(".chosen")).to_be_in_viewport()
    expect(page.locator("#diagram .network")).to_be_in_viewport()
    page.get_by_role("tab", name="What if").tap()
    touch = context.new_cdp_session(page)
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    page.locator(".slice").evaluate(
        "(e) => e.scrollIntoView({ block: 'end' })"
    )  # below the diagram
    box = page.locator(".slice .now").bounding_box()
    assert box
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    for k in range(1, 6):
        move = {"type": "touchMove", "touchPoints": [{**at, "x": at["x"] - 8 * k}]}
        touch.send("Input.dispatchTouchEvent", move)
    expect(page.locator(".trial-note")).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".trial-note")).to_be_hidden()
    context.close()
    assert visit.problems == []


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (NON_SQUARE, ["w1.2.3", "b2.1", "w3.3.2", "u1.2", "u2.3", "u3.1"]),
        (CLASSES, ["w1.3.4", "w2.4.2", "b2.3", "u1.1", "u2.2"]),
        (YES_OR_NO, ["w1.1.3", "w2.2.1", "u1.3", "u2.1"]),
        (SQUARES, ["w1.1.2", "w2.3.1", "u1.1", "u2.2"]),
        (HOUSE, ["w1.2.1", "w2.1.1", "b1.1", "u0.2", "u1.1", "u2.1"]),
    ],
    ids=["half squares", "classes", "yes or no", "squares", "house"],
)
def test_every_formula_agrees_with_its_own_numbers(
    visit: Visit, spec: Any, names: list[str]
) -> None:
    page = visit.open(spec).page
    shown = page.locator("#tab-body > div:not([hidden])")
    for name in names:
        _find(page, name)
        if name[0] == "u":
            expect(shown.locator("h3").first).to_be_visible()
            _check_shown(page)
            continue
        _expect_chain(page, _chain(visit, name))
        for digits in DIGITS:
            page.get_by_label("Digits").select_option(digits)
            _check_chain(page, digits)
        for tab, word in (("Proof", "By two forward passes"), ("Gradient", "its factors")):
            page.get_by_role("tab", name=tab).click()
            expect(shown).to_contain_text(word)
            _check_shown(page)
        page.get_by_role("tab", name="Chain rule").click()


DIGITS = ("2", "all", "4")


def _check_shown(page: Page) -> None:
    for digits in DIGITS:
        page.get_by_label("Digits").select_option(digits)
        page.evaluate(
            "() => new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))"
        )
        shown = page.locator("#tab-body > div:not([hidden])")
        assert contradictions(shown.inner_html()) == []


def _check_chain(page: Page, digits: str) -> None:
    """The numbers as they are written multiply to the result as it is written."""
    for factor in page.locator(".factor[data-at] .badge").all():
        factor.focus()
        assert contradictions(page.locator(".detail").inner_html()) == []
    written = page.locator(".factor[data-at] math:last-of-type").all_text_contents()
    product = math.prod(_read(text) for text in written)
    result = _read(page.locator("[data-result] math").text_content() or "")
    tolerance = {"2": 0.02, "4": 2e-4, "all": 1e-14}[digits] * max(
        1.0, *map(abs, map(_read, written))
    ) ** 4
    assert result == pytest.approx(product, abs=tolerance)


ROWS = """() => [...document.querySelectorAll('.factor')].map((factor) => {
  const middle = (e) => { const b = e.getBoundingClientRect(); return (b.top + b.bottom) / 2; };
  const of = (kind) => [...factor.querySelectorAll(`:scope > ${kind}`)].map(middle);
  return [of('math'), of('.times')]; })"""


def test_a_product_has_a_sign_between_its_factors_in_every_row(visit: Visit) -> None:
    page = visit.open().page
    _find(page, "w1.1.1")
    _expect_chain(page, _chain(visit, "w1.1.1"))
    left, first, *others = page.evaluate(ROWS)
    assert (left[1], first[1]) == ([], [])
    for formulas, signs in others:
        # All in one line: the fifth factor too.
        assert signs == pytest.approx(others[0][1], abs=1)
        assert formulas == pytest.approx(signs, abs=8)
    assert len(others) == 4


def _read(text: str) -> float:
    return float(re.sub(r"[\s=()]", "", text).replace("−", "-"))


def test_the_equation_is_copied_as_latex_and_as_text(browser: Browser, server: Server) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    visit = Visit(context.new_page(), server).open(HOUSE)
    page = visit.page
    _click(page, "w1.1.1")
    copied = "() => navigator.clipboard.readText()"
    page.get_by_role("button", name="LaTeX").click()
    expect(page.locator(".copying")).to_contain_text("Copied.")
    latex = page.evaluate(copied)
    assert latex.startswith("\\begin{aligned}")
    assert "\\frac{\\partial E}{\\partial w_{11}^{1}}" in latex
    page.get_by_role("button", name="text", exact=True).click()
    expect(page.locator(".copying")).to_contain_text("Copied.")
    page.wait_for_function(f"async () => !(await ({copied})()).includes('frac')")
    assert "0.5000 · 1 · 2.0000 · 1 · 2.0000" in page.evaluate(copied)
    context.close()
    assert visit.problems == []


def test_the_equation_names_each_factor_as_the_diagram_does(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    for name, first, symbols, formulas, total in (
        (
            "w1.1.2",
            "p₁ = share of (∂Eₖ/∂w¹₁₂) through ŷ₁ ← h²₁ ← h¹₂",
            "∂Eₖ/∂ŷ₁ · ∂ŷ₁/∂z³₁ · ∂z³₁/∂h²₁ · ∂h²₁/∂z²₁ · ∂z²₁/∂h¹₂ · ∂h¹₂/∂z¹₂ · ∂z¹₂/∂w¹₁₂",
            "(ŷ₁ − y₁) · 1 · w³₁₁ · h²₁ · (1 − h²₁) · w²₂₁ · (1 − (h¹₂)²) · x₁",
            "∂Eₖ/∂w¹₁₂ = p₁ + p₂ + … + p₆",
        ),
        (
            "b2.3",
            "p₁ = share of (∂Eₖ/∂b²₃) through ŷ₁ ← h²₃",
            "∂Eₖ/∂ŷ₁ · ∂ŷ₁/∂z³₁ · ∂z³₁/∂h²₃ · ∂h²₃/∂z²₃ · ∂z²₃/∂b²₃",
            "(ŷ₁ − y₁) · 1 · w³₃₁ · h²₃ · (1 − h²₃) · 1",
            "∂Eₖ/∂b²₃ = p₁ + p₂",
        ),
        (
            "w3.3.2",
            "∂Eₖ/∂w³₃₂",
            "∂Eₖ/∂ŷ₂ · ∂ŷ₂/∂z³₂ · ∂z³₂/∂w³₃₂",
            "(ŷ₂ − y₂) · 1 · h²₃",
            None,
        ),
    ):
        _find(page, name)
        found = _chain(visit, name)
        _expect_chain(page, found)
        page.get_by_role("button", name="text", exact=True).click()
        page.wait_for_function(
            "async (start) => (await navigator.clipboard.readText()).startsWith(start)", arg=first
        )
        text = page.evaluate("() => navigator.clipboard.readText()")
        assert re.split(r"\s+= ", text.removeprefix(first))[1:3] == [symbols, formulas]
        if total is None:
            assert page.locator("[data-total]").count() == 0
            continue
        # One path's product is never said to be the whole derivative, on the page or in the copy.
        expect(page.locator(".factor.lhs")).not_to_contain_text("∂")
        symbols, numbers, result = text.split("\n\n")[1].splitlines()
        assert symbols == total
        products = [path["product"] for path in found["paths"]]
        summands = [part for part in numbers.strip("= ").split(" + ") if part != "…"]
        ends = products if len(products) == 2 else [*products[:2], products[-1]]
        assert list(map(_read, summands)) == pytest.approx(ends, abs=5e-5)
        assert _read(result) == pytest.approx(found["derivative"], abs=5e-5)
        shown = page.locator("[data-total]")
        expect(shown).to_have_attribute("data-total", _text(found["derivative"]))
        expect(shown.locator("math > mn")).to_have_text(result.strip("= "))
    context.close()
    assert visit.problems == []


PLACED = """() => {
  const middle = (e) => { const b = e.getBoundingClientRect(); return [(b.left + b.right) / 2, (b.top + b.bottom) / 2]; };
  const apart = ([a, b], [c, d]) => Math.hypot(a - c, b - d);
  return [...document.querySelectorAll('.badge-mark')].map((badge) => {
    const at = middle(badge.querySelector('.badge-dot'));
    if (badge.dataset.at[0] === 'w') {
      const edge = document.querySelector(`#diagram [data-parameter='${badge.dataset.at}'] .core`);
      const [x1, y1, x2, y2] = ['x1', 'y1', 'x2', 'y2'].map((k) => Number(edge.getAttribute(k)));
      const chip = badge.querySelector('rect'); const n = (k) => Number(chip.getAttribute(k));
      const [x, y] = [n('x') + n('width') / 2, n('y') + n('height') / 2];
      return [badge.dataset.at, Math.abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / Math.hypot(x2 - x1, y2 - y1) < 0.1];
    }
    if (badge.getAttribute('aria-label').includes('∂E/∂ŷ')) return [badge.dataset.at, true];
    const units = [...document.querySelectorAll('#diagram [data-unit] circle')];
    const near = units.reduce((a, b) => (apart(middle(a), at) < apart(middle(b), at) ? a : b));
    return [badge.dataset.at, near.parentNode.dataset.unit === badge.dataset.at.replace('b', '')];
  }); }"""
SLICE = """async (slice) => {
  const { viewSlice } = await import('/static/js/views/slice.js');
  return [0, 2, 5].map((k) => {
    const view = viewSlice(slice, k);
    const back = ([a, b]) => [view.x.back(a), view.y.back(b)];
    return { now: back(view.now), marks: view.marks.map((m) => back(m.place)), tangent: view.tangent.map(back), secant: view.secant.ends.map(back) };
  }); }"""
UNIT = """async ([name, z, a]) => {
  const { viewUnit } = await import('/static/js/views/unit.js');
  const layout = { sizes: [1, 1, 1], activations: [name, 'identity'], inputs: [{ label: 'x' }], targets: [{ label: 'y' }], loss: 'half_squared_error',
    parameters: [{ offset: 0, shape: [1, 1] }, { offset: 1, shape: [1] }, { offset: 2, shape: [1, 1] }, { offset: 3, shape: [1] }] };
  const frame = { inputs: [1], parameters: [z, 0, 1, 0], z: [z, a], a: [a, a], delta: [0.5, 0.5], targets: [0] };
  const { curve } = viewUnit(layout, frame, 1, 1, 4);
  const [x1, y1, x2, y2] = curve.tangent;
  const scale = 2 * curve.reach / curve.width;
  return { slope: curve.slope, drawn: -(y2 - y1) / (x2 - x1), x: (curve.point[0] - curve.zero[0]) * scale, z }; }"""


LEVELS = """async (slice) => {
  const { BOX, told, viewSlice } = await import('/static/js/views/slice.js');
  const { values, losses } = slice;
  const falling = { ...slice, losses: [...losses].sort((a, b) => b - a) };
  const sides = [slice, falling].map((one) => viewSlice(one, 0).levels.map(({ left }) => left));
  return [sides, told([0.56412, 0.56438]), told([6.1e-4, 6.12e-4]), told([-0.75, 1.25])]; }"""


def test_nothing_of_the_curve_hides_under_something_else(visit: Visit) -> None:
    page = visit.open().page
    _open_curve(page, "w1.1.1")
    wide = page.get_by_role("button", name="Show the wide view")  # ten updates: a twentieth of 2
    places = ".slice .now, .slice .mark:not(:first-child) circle"
    x = [
        box["x"] + box["width"] / 2 for e in page.locator(places).all() if (box := e.bounding_box())
    ]
    assert len(x) == 4
    assert min(abs(x[-1] - other) for other in x[:-1]) > 15  # the handle has a radius of 9
    picture = page.locator(".slice").bounding_box()
    assert picture
    for beside in (wide, page.get_by_label("Wiggle h")):
        box = beside.bounding_box()
        assert box
        assert 0 <= box["y"] - picture["y"] - picture["height"] < 30
    query = {"parameter": "w1.1.1"}
    found = httpx.get(f"{visit.api}/steps/0/slice", params=query).json()
    rising, *tell = page.evaluate(LEVELS, found)
    assert rising == [[True, False], [False, True]]
    assert tell == [["0.5641", "0.5644"], ["0.000610", "0.000612"], ["−0.75", "1.25"]]
    wide.click()
    expect(page.get_by_role("button", name="Zoom to the update")).to_be_visible()
    expect(page.locator(".slice .now")).to_have_attribute("aria-valuemax", _text(found["at"] + 1))
    page.get_by_label("Wiggle h").fill("5")
    expect(page.locator(".width")).to_have_text("0.00001")


def _slope(ends: list[list[float]]) -> float:
    (x1, y1), (x2, y2) = ends
    return (y2 - y1) / (x2 - x1)


def test_what_is_drawn_of_the_curve_is_where_its_numbers_say(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    found = httpx.get(f"{visit.api}/steps/0/slice", params={"parameter": "w2.3.1"}).json()
    for k, view in zip((0, 2, 5), page.evaluate(SLICE, found), strict=True):
        assert view["now"] == pytest.approx([found["at"], found["loss"]])
        landed = [[one["value"], one["loss"]] for one in found["landings"]]
        assert view["marks"] == [pytest.approx(place) for place in landed]
        assert _slope(view["tangent"]) == pytest.approx(found["slope"])
        assert _slope(view["secant"]) == pytest.approx(found["wiggle"][k]["quotient"])


@pytest.mark.parametrize(
    ("name", "z", "function", "slope"),
    [
        ("tanh", 0.7, math.tanh, lambda z: 1 / math.cosh(z) ** 2),
        ("sigmoid", -1.3, lambda z: 1 / (1 + math.exp(-z)), lambda z: 0.25 / math.cosh(z / 2) ** 2),
        ("relu", -0.5, lambda z: max(z, 0.0), lambda z: 0.0),
        ("relu", 2.5, lambda z: max(z, 0.0), lambda z: 1.0),
        ("identity", 9.0, lambda z: z, lambda z: 1.0),
    ],
)
def test_an_activations_tangent_has_its_slope(
    visit: Visit, name: str, z: float, function: Any, slope: Any
) -> None:
    view = visit.open().page.evaluate(UNIT, [name, z, function(z)])
    assert view["slope"] == pytest.approx(slope(z))
    assert view["x"] == pytest.approx(z)
    assert (view["drawn"] == 0) == (slope(z) == 0)
    assert view["drawn"] >= 0


BADGES = """() => [...document.querySelectorAll('.badge-chip, .pill:not(.hidden) rect')]
  .map((e) => { const b = e.getBoundingClientRect(); return [e.parentNode.dataset.badge ?? 'label', b.left, b.top, b.right, b.bottom]; })"""


@pytest.mark.parametrize("spec", [{}, NON_SQUARE, CLASSES], ids=["ames", "non-square", "classes"])
def test_badges_cover_no_label_and_not_each_other(visit: Visit, spec: Any) -> None:
    page = visit.open(spec).page
    names = page.evaluate(
        "() => [...document.querySelectorAll('#diagram [data-parameter]')].map((e) => e.dataset.parameter)"
    )
    for name in names:
        _find(page, name)
        _expect_chain(page, _chain(visit, name))
        assert overlapping(page.evaluate(BADGES)) == [], name
        places = page.evaluate(PLACED)
        assert [at for at, here in places if not here] == []
        assert len(places) == len(_factors(page))


def test_badges_say_the_factors_values_after_the_update_too(visit: Visit) -> None:
    """Beside the new weight stands what the formula was made of: the old one."""
    page = visit.open().page
    values = []
    for phase in (5, 6):
        page.get_by_role("button", name=f"Phase {phase}: ").click()
        visit.at(0, phase)
        _find(page, "w1.1.1")
        expect(page.locator(".badge-value")).to_have_count(4)
        values.append(page.locator(".badge-value").all_text_contents())
    assert values[0] == values[1]


DEEP: dict[str, Any] = {
    **NON_SQUARE,
    "layers": [{"units": n, "activation": "tanh"} for n in (3, 4, 3)]
    + [{"units": 2, "activation": "identity"}],
}
LABELS = """() => [...document.querySelectorAll(`#diagram .pill:not(.hidden) rect, #diagram .unit circle,
    #diagram .delta:not(.hidden) rect, #diagram .bias rect, #diagram .error-bar text`)]
  .map((e) => { const b = e.getBoundingClientRect();
    const name = e.textContent || (e.parentNode.dataset.label ?? e.parentNode.className.baseVal);
    return [name, b.left, b.top, b.right, b.bottom]; })
  .filter(([, left, , right]) => right > left)"""


@pytest.mark.parametrize("width", [390, 1024, 1440])
@pytest.mark.parametrize("spec", [{}, NON_SQUARE, DEEP], ids=["ames", "non-square", "deep"])
def test_the_label_of_a_selected_edge_covers_nothing(
    browser: Browser, server: Server, spec: Any, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    visit = Visit(context.new_page(), server).open(spec)
    page = visit.page
    names = page.evaluate(
        "() => [...document.querySelectorAll('#diagram .edge')].map((e) => e.dataset.parameter)"
    )
    layers = len({name.split(".")[0] for name in names})
    page.get_by_role("button", name=re.compile(f"^Phase {2 * layers + 1}:")).click()
    visit.at(0, 2 * layers + 1)
    labelled = 0
    shown = names[:: 1 if width == 390 else 3]
    for name in shown:
        _find(page, name)
        edge = page.locator(f"#diagram [data-parameter='{name}']")
        expect(edge).to_have_attribute("aria-pressed", "true")
        assert overlapping(page.evaluate(LABELS)) == [], name
        labelled += page.locator(f"#diagram .pill:not(.hidden)[data-label='{name}']").count()
    assert labelled > 0.7 * len(shown)
    context.close()
    assert visit.problems == []


def test_the_worksheet_of_the_step_is_one_click_away(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    visit.click("Step forward")
    visit.at(1, 0)
    page.get_by_label("Example").select_option("1")
    link = page.get_by_role("link", name="Worksheet")
    expect(link).to_have_attribute("href", re.compile(r"/worksheet\?step=1&example=1$"))


TRIAL = """async (kept) => {
  const { reduce, INITIAL } = await import('/static/js/core/reduce.js');
  const tried = { parameter: 'w1.1.1', value: 2 };
  const selected = reduce(INITIAL, { type: 'pick', name: 'w1.1.1' });
  const dragged = reduce(selected, { type: 'try', value: 2 });
  const state = { kept: dragged, 'let go': reduce(dragged, { type: 'restore' }),
    another: reduce(reduce(selected, { type: 'pick', name: 'b1.1' }), { type: 'try', value: 2 }) }[kept];
  return [{ type: 'trial', frame: {}, tried }, { type: 'beyond', tried }].map((action) => {
    const { trial, beyond } = reduce(state, action);
    return [trial !== null, beyond];
  });
}"""


def test_a_trial_counts_only_while_its_own_parameter_is_tried(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    assert page.evaluate(TRIAL, "kept") == [[True, False], [False, True]]
    assert page.evaluate(TRIAL, "let go") == [[False, False], [False, False]]
    assert page.evaluate(TRIAL, "another") == [[False, False], [False, False]]


ORDER = "() => [...document.querySelectorAll('#diagram .edge')].map((e) => e.dataset.parameter)"


def test_dragging_a_weight_shows_what_it_does_to_the_gradients_before_it(visit: Visit) -> None:
    """The gradient of w1 goes through w2: it moves with it, although its edge is off the path."""
    page = visit.open(HOUSE).page
    page.get_by_role("button", name="Phase 5: Back through w¹").click()
    visit.at(0, 5)
    _open_curve(page, "w2.1.1")
    edge = page.locator("#diagram [data-parameter='w1.1.1']")
    assert float(edge.get_attribute("data-gradient") or "") == 2
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    expect(edge).not_to_have_attribute("data-gradient", "2")
    tried = float(
        page.locator("#diagram [data-parameter='w2.1.1']").get_attribute("data-weight") or ""
    )
    # x1 * w2 * (h * w2 - y)
    assert float(edge.get_attribute("data-gradient") or "") == pytest.approx(
        2 * tried * (0.75 * tried - 1)
    )
    assert edge.locator(".halo").evaluate("e => getComputedStyle(e).display") != "none"


MANY_EDGES: dict[str, Any] = {
    **NON_SQUARE,
    "layers": [{"units": n, "activation": "tanh"} for n in (8, 5)]
    + [{"units": 2, "activation": "identity"}],
}


def test_among_many_edges_what_is_off_a_dragged_weights_path_is_painted_once(
    visit: Visit,
) -> None:
    page = visit.open(MANY_EDGES).page
    page.get_by_role("button", name="Phase 7: Back through w¹").click()
    visit.at(0, 7)
    order = page.evaluate(ORDER)
    _open_curve(page, "w2.2.3")
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    still = page.locator("#diagram .still .edge")
    expect(still).to_have_count(page.locator("#diagram .edge.dimmed").count())
    assert still.count() == 63  # of 66: itself and the two behind it move
    expect(page.locator("#diagram .still")).to_have_css("will-change", "transform")
    expect(still.first.locator(".halo")).to_be_hidden()
    painted = """() => { window.painted = 0;
      const seen = ({ target }) => !target.matches('.halo'); // which is not shown
      new MutationObserver((list) => { window.painted += list.filter(seen).length; }).observe(
        document.querySelector('#diagram .still'),
        { subtree: true, attributeFilter: ['stroke-width', 'x1', 'y1', 'transform'] }); }"""
    first = page.locator("#diagram [data-unit='3.1']").get_attribute("data-a") or ""
    page.evaluate(painted)
    box = page.locator(".slice .now").bounding_box()
    assert box
    page.mouse.move(box["x"] - 40, box["y"])
    expect(page.locator("#diagram [data-unit='3.1']")).not_to_have_attribute("data-a", first)
    assert page.evaluate("window.painted") == 0
    page.mouse.up()
    expect(still).to_have_count(0)
    assert page.evaluate(ORDER) == order


def _open_curve(page: Page, name: str) -> None:
    _find(page, name)
    page.get_by_role("tab", name="What if").click()
    expect(page.locator(".slice .now[aria-valuenow]")).to_be_visible()
    expect(page.get_by_role("tabpanel")).not_to_have_attribute("aria-busy", "true")


def test_the_focus_is_where_a_keyboard_user_expects_it(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    focused = page.locator(":focus")
    close = page.get_by_role("button", name="Close: back to the phase")
    for name, leave in (("w2.1.3", "Enter"), ("b1.2", "Escape"), ("u2.2", "Enter")):
        page.get_by_role("combobox", name="Explain").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".chosen")).to_be_visible()
        close.focus()
        page.keyboard.press(leave)
        kind = "data-unit" if name[0] == "u" else "data-parameter"
        expect(focused).to_have_attribute(kind, name.removeprefix("u"))
        expect(close).to_be_hidden()
    page.keyboard.press("ArrowRight")  # from the unit on which the focus is
    expect(focused).to_have_attribute("data-parameter", re.compile(r"w3\.2"))
    page.get_by_role("button", name="Show it there").focus()
    page.keyboard.press("Enter")
    visit.at(0, 5)
    expect(page.locator(".chosen")).to_be_focused()
    page.locator("#diagram [data-unit='2.3']").click()
    page.get_by_role("button", name="h¹₂: explain its weight").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chosen")).to_contain_text("weight, h¹₂ to h²₃")
    expect(page.locator(".chosen")).to_be_focused()
    page.locator(".badge-mark").first.focus()
    page.keyboard.press("Escape")
    expect(focused).to_have_attribute("data-parameter", "w2.2.3")
    _find(page, "w1.1.1")
    close.click()
    expect(page.locator("#panel")).to_be_focused()  # the arrows go on moving the phases
    page.keyboard.press("ArrowRight")
    visit.at(0, 6)


def test_trying_again_leaves_the_focus_in_the_panel(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    page.route(re.compile("/chain"), lambda route: route.abort())
    _find(page, "w2.1.3")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.unroute_all()
    again.focus()
    page.keyboard.press("Enter")
    _expect_chain(page, _chain(visit, "w2.1.3"))
    expect(page.locator(".chosen")).to_be_focused()
    context.close()


@pytest.mark.parametrize(
    ("path", "tab"), [("chain", "Chain rule"), ("slice", "What if"), ("check", "Proof")]
)
@pytest.mark.parametrize("leave", ["Escape", "another session"])
def test_what_nobody_waits_for_is_not_asked_any_more(
    visit: Visit, path: str, tab: str, leave: str
) -> None:
    page = visit.open(NON_SQUARE).page
    asked: list[str] = []
    page.route(re.compile(rf"/{path}\?"), lambda route: asked.append(route.request.url))
    dropped: list[str] = []
    page.on("requestfailed", lambda request: dropped.append(request.url))
    _find(page, "w2.1.3")
    if path != "chain":
        page.get_by_role("tab", name=tab).click()
    if path == "check":
        page.get_by_role("button", name="Check all").click()
    page.wait_for_function("() => document.querySelector('.chosen').getClientRects().length")
    with page.expect_event("requestfailed", lambda request: f"/{path}" in request.url):
        if leave == "Escape":
            page.keyboard.press("Escape")
        else:
            page.get_by_label("Preset").select_option(index=1)
    assert dropped == asked


def test_a_trial_is_dropped_with_its_weight(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _open_curve(page, "w2.2.3")
    page.route(re.compile("/trial"), lambda route: None)
    with page.expect_request(re.compile("/trial")):
        _drag(page, 60)
    with page.expect_event("requestfailed", lambda request: "/trial" in request.url):
        page.mouse.up()


def test_escape_ends_a_drag_and_only_that(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    _open_curve(page, "w2.2.3")
    handle = page.locator(".slice .now")
    own = handle.get_attribute("aria-valuenow") or ""
    _drag(page, 60)
    expect(page.locator(".trial-note")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".trial-note")).to_be_hidden()
    box = handle.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"])
    expect(handle).to_have_attribute("aria-valuenow", own)
    expect(page.locator(".slice .now.held")).to_have_count(0)
    page.mouse.up()
    expect(page.locator(".chosen")).to_be_visible()


def test_an_overflow_while_dragging_is_said_once_and_calmly(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    _open_curve(page, "w2.2.3")
    error = {"code": "not_finite", "message": "value: expected a value", "field": "value"}
    refuse = {"status": 422, "json": {"error": error}}
    page.route(re.compile("/trial"), lambda route: route.fulfill(**refuse))
    said = page.locator(".said")
    with page.expect_response(re.compile("/trial")):
        _drag(page, 30)
    expect(said).to_contain_text("overflow")
    page.evaluate(
        """() => { window.repeated = 0; new MutationObserver((l) => { window.repeated += l.length; })
          .observe(document.querySelector('.said'), { childList: true, characterData: true, subtree: true }); }"""
    )
    box = page.locator(".slice .now").bounding_box()
    assert box
    with page.expect_response(re.compile("/trial")):
        page.mouse.move(box["x"] + 40, box["y"])
    expect(said).to_contain_text("overflow")
    assert page.evaluate("window.repeated") == 0
    expect(page.locator("#notices .notice")).to_have_count(0)
    page.mouse.up()
    expect(said).to_contain_text("Restored")
    context.close()


def test_a_value_set_at_the_update_says_from_when_it_holds(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    page.get_by_role("button", name=re.compile("Update")).click()
    visit.at(0, 6)
    _open_curve(page, "w2.1.1")
    field = page.get_by_label("Set this parameter to")
    field.fill("1.5")
    field.press("Enter")
    told = page.get_by_role("status").filter(has_text="Set: w²₁₁ = 1.5 from step 1 on.")
    expect(told).to_be_visible()
    visit.click("Undo edit")
    expect(told).to_have_count(0)
    field.fill("1.5")
    field.press("Enter")
    expect(told).to_be_visible()
    _find(page, "w1.1.1")
    expect(told).to_have_count(0)


def test_no_view_of_an_explanation_is_open_before_there_is_one(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    assert page.locator("#tab-body > div").count() == 6
    assert page.locator("#tab-body > div:not([hidden])").count() == 0


def test_a_bias_is_not_called_an_edge(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    for name, place in (("b2.1", "the number on the bias"), ("w2.1.1", "the number on the edge")):
        _find(page, name)
        body = page.locator("#tab-body > div:not([hidden])")
        expect(body).to_contain_text(f"mean of 3: {place}")
        page.get_by_role("tab", name="Proof").click()
        expect(body).to_contain_text(f"The batch of 3: {place}")
        page.get_by_role("tab", name="Chain rule").click()


def test_a_name_is_read_as_the_page_writes_it(visit: Visit) -> None:
    page = visit.open(WIDE).page
    for text, name in (
        ("w²₃,₁₄", "w2.3.14"),
        ("w³₁₀,₂", "w3.10.2"),
        ("w²₃₁", "w2.3.1"),
        ("b²₁₂", "b2.12"),
        ("w3.10.2", "w3.10.2"),
        ("W2.3.14 ", "w2.3.14"),
    ):
        _find(page, text)
        expect(page.locator("#find-error")).to_have_text("")
        expect(page.locator(f"#diagram [data-parameter='{name}']")).to_have_attribute(
            "aria-pressed", "true"
        )
    assert page.evaluate(READ, list(NAMES)) == list(NAMES.values())
    assert page.evaluate(NEARBY, ["x7", "h9", "h3.1", "ŷ₇"]) == [
        ["x1 to x3", "h1 to h2", "h1 to h2", "ŷ"],
        ["x1 to x3", "h1.1 to h1.4, h2.1 to h2.12", "h1.1 to h1.4, h2.1 to h2.12", "ŷ1 to ŷ2"],
    ]


# What is typed, and what it is where there is one hidden layer and one output, or two of each.
NAMES: dict[str, list[str | None]] = {
    "x1": ["u0.1", "u0.1"],
    "X₂": ["u0.2", "u0.2"],
    "x4": [None, None],
    "h2": ["u1.2", None],
    "h₂": ["u1.2", None],
    "h2.1": [None, "u2.1"],
    "h²₁₂": [None, "u2.12"],
    "h1.2": ["u1.2", "u1.2"],
    "h0.1": [None, None],
    "h3.1": [None, None],
    "y": ["u2.1", None],
    "ŷ": ["u2.1", None],
    "y\u0302₁": ["u2.1", "u3.1"],
    "y2": [None, "u3.2"],
    "u2.1": ["u2.1", "u2.1"],
}
TYPED = """async (texts) => {
  const { findName, nearbyNames } = await import('/static/js/core/find.js');
  const layouts = [[3, 2, 1], [3, 4, 12, 2]].map((sizes) => ({ sizes })); """
READ = TYPED + "return texts.map((text) => layouts.map((layout) => findName(layout, text))); }"
NEARBY = TYPED + (
    "return layouts.map((of) => texts.map((text) => nearbyNames(of, text).slice(10))); }"
)


STEADY = """() => new Promise((done) => {
  const parts = () => [...document.querySelectorAll('#tab-body > div:not([hidden]) h3')];
  const places = () => parts().map((e) => e.offsetTop + '');
  let steps = 0; let step = ''; let known = []; let moved = 0; const jumps = [];
  requestAnimationFrame(function look() {
    const now = document.querySelector('.note').textContent;
    if (now !== step) {
      step = now; steps += 1;
      if (steps > 6) { const at = places(); if (at.join() !== known.join() && (moved++ > 1 || at.some((y, k) => y - known[k] < 0))) jumps.push([known, at]); known = at; }
      else known = places();
    }
    if (steps > 16) return done(jumps);
    requestAnimationFrame(look);
  });
})"""


@pytest.mark.parametrize("tab", ["Proof", "Gradient"])
def test_what_is_read_while_it_plays_does_not_jump(visit: Visit, tab: str) -> None:
    """A line more once or twice, for a longer text than any before; never back and forth."""
    page = visit.open({**NON_SQUARE, "batch_size": 7}).page  # no short batch, of which less is said
    page.get_by_role("button", name="Phase 7: Back through w¹").click()
    visit.at(0, 7)
    _find(page, "w2.2.3")
    page.get_by_role("tab", name=tab).click()
    expect(page.locator("#tab-body > div:not([hidden]) math").first).to_be_visible()
    page.get_by_label("Speed").select_option("5 steps/s")
    page.get_by_role("button", name="Play").click()
    assert page.evaluate(STEADY) == []
    page.get_by_role("button", name="Pause").click()


SMALL = """(least) => [...document.querySelectorAll(`#panel :is(button, input, select),
    #diagram :is(.unit, .bias, .badge-mark)`)]
  .filter((e) => e.getClientRects().length)
  .map((e) => [e, e.matches('.badge, #diagram *') ? 24 : least, e.getBoundingClientRect()])
  .filter(([, most, b]) => b.width < most || b.height < most)
  .map(([e, , b]) => [e.outerHTML.slice(0, 80), b.width, b.height])"""


def test_what_a_finger_touches_is_large_enough(browser: Browser, server: Server) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    visit = Visit(context.new_page(), server).open(NON_SQUARE)
    page = visit.page
    _find(page, "w2.2.3")
    for tab in ("Chain rule", "What if", "Proof", "Gradient"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).not_to_have_attribute("aria-busy", "true")
        assert page.evaluate(SMALL, 44) == []
    _find(page, "u2.2")
    expect(page.locator("#tab-body > div:not([hidden]) td").first).to_be_visible()
    assert page.evaluate(SMALL, 44) == []
    context.close()
    assert visit.problems == []
