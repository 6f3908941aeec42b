"""What a person does, in a real browser, checked against the JSON of the same step."""

from __future__ import annotations

import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.timeline.presets import HOUSE
from tests.browser.conftest import Server, Visit, Wire

RNG = np.random.default_rng(4)
NON_SQUARE: dict[str, Any] = {
    "dataset": {
        "inputs": RNG.normal(size=(7, 2)).tolist(),
        "targets": RNG.normal(size=(7, 2)).tolist(),
    },
    "layers": [
        {"units": 4, "activation": "tanh"},
        {"units": 3, "activation": "sigmoid"},
        {"units": 2, "activation": "identity"},
    ],
    "batch_size": 3,
}
SCRAPE = """() => Object.fromEntries([...document.querySelectorAll('[data-parameter], [data-unit]')]
  .map((e) => [e.dataset.parameter ?? 'u' + e.dataset.unit,
               {...e.dataset, label: e.getAttribute('aria-label'), text: e.textContent}]))"""


def _expected(found: dict[str, Any], phase: int, layers: int) -> dict[str, dict[str, float]]:
    """Every number that may be on the page at `phase`, by element, from the JSON of the step."""
    lowest = 2 * layers + 2 - phase if phase > layers + 1 else layers + 1
    shown: dict[str, dict[str, float]] = {}
    for k, value in enumerate(found["inputs"]):
        shown[f"u0.{k + 1}"] = {"a": value}
    for number, layer in enumerate(found["layers"], 1):
        backward = number >= max(1, lowest)
        for to in range(len(layer["biases"])):
            unit = {}
            if phase >= number:
                unit |= {"z": layer["z"][to], "a": layer["a"][to]}
            if backward and lowest <= layers:
                unit["delta"] = layer["delta"][to]
            shown[f"u{number}.{to + 1}"] = unit
            names = ("weights", "weight_gradients", "new_weights")
            for source in range(len(layer["weights"])):
                old, slope, new = (layer[name][source][to] for name in names)
                shown[f"w{number}.{source + 1}.{to + 1}"] = _parameter(
                    old, slope, new, backward and lowest <= layers, phase == 2 * layers + 2
                )
            old, slope, new = (layer[n][to] for n in ("biases", "bias_gradients", "new_biases"))
            shown[f"b{number}.{to + 1}"] = _parameter(
                old, slope, new, backward and lowest <= layers, phase == 2 * layers + 2
            )
    return shown


def _parameter(old: float, slope: float, new: float, known: bool, moved: bool) -> dict[str, float]:
    found = {"weight": old}
    if known:
        found["gradient"] = slope
    if moved:
        found["newWeight"] = new
    return found


def _numbers(element: dict[str, str]) -> dict[str, float]:
    keys = ("weight", "gradient", "newWeight", "z", "a", "delta")
    return {key: float(element[key]) for key in keys if key in element}


@pytest.mark.parametrize("example", [0, 2])
def test_every_number_equals_the_json_in_every_phase(visit: Visit, example: int) -> None:
    page = visit.open(NON_SQUARE).page
    page.get_by_label("Example").select_option(str(example))
    for step in (0, 1):
        found = visit.step(step, example)
        words = page.locator("[data-control=example-words]")
        expect(words).to_contain_text(f"in row {found['rows'][example]}:")
        for phase in range(9):
            visit.at(step, phase)
            elements = page.evaluate(SCRAPE)
            expected = _expected(found, phase, 3)
            assert {k: _numbers(v) for k, v in elements.items()} == expected
            for name, numbers in expected.items():
                _check_words(elements[name], numbers, name)
            visit.click("Next phase")


def _check_words(element: dict[str, str], numbers: dict[str, float], name: str) -> None:
    """Texts and accessible names say the same: rounded, and with the sign's glyph."""
    label = element["label"].replace("−", "-")
    if name.startswith("u"):
        assert ("not computed yet" in label) == ("a" not in numbers)
        if "delta" in numbers:
            assert float(label.rsplit("δ ", 1)[1]) == pytest.approx(numbers["delta"], rel=0.06)
        return
    called = "weight" if name.startswith("w") else "value"
    assert _said(label, called) == numbers["weight"]
    if "gradient" not in numbers:
        assert "gradient not yet" in label
        return
    assert _said(label, "gradient") == numbers["gradient"]
    if "newWeight" in numbers:
        assert _said(label, f"new {called}") == numbers["newWeight"]
    elif numbers["gradient"]:
        assert f"will {'fall' if numbers['gradient'] > 0 else 'rise'}" in label
        assert ("▼" if numbers["gradient"] > 0 else "▲") in (element["text"] or "▼▲")


def _said(label: str, word: str) -> float:
    found = re.search(rf"\b{word} (-?\d[\d.]*(?:e[+-]?\d+)?)", label)
    assert found, (word, label)
    return float(found[1])


def test_the_panel_shows_the_loss_of_the_step(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    expect(page.locator("#panel")).to_contain_text("not yet")
    page.get_by_role("button", name="Phase 4: Error").click()
    visit.at(0, 4)
    loss = visit.step(0)["loss"]
    shown = page.locator("#panel dt:has-text('Loss E') + dd")
    expect(shown).to_have_text(f"{loss:.6f}")
    expect(shown).to_have_attribute("title", str(loss))


def test_steps_forward_and_back_by_button(visit: Visit) -> None:
    visit.open()
    for name, step, phase in (
        ("Next phase", 0, 1),
        ("Step forward", 1, 1),
        ("Next epoch", 2344, 0),
        ("Previous phase", 2343, 6),
        ("Step backward", 2342, 6),
        ("Previous epoch", 0, 0),
        ("Step forward", 1, 0),
        ("Restart", 0, 0),
    ):
        visit.click(name)
        visit.at(step, phase)


def test_everything_by_keyboard(visit: Visit) -> None:
    page = visit.open().page
    for key, step, phase in (
        ("ArrowRight", 0, 1),
        ("Shift+ArrowRight", 1, 1),
        ("ArrowLeft", 1, 0),
        ("Shift+ArrowLeft", 0, 0),
        ("PageDown", 2344, 0),
        ("PageUp", 0, 0),
        ("End", 2344, 6),
        ("Home", 0, 0),
    ):
        page.keyboard.press(key)
        visit.at(step, phase)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_a_held_key_loses_no_step(visit: Visit) -> None:
    page = visit.open().page
    for _ in range(40):
        page.keyboard.press("Shift+ArrowRight")
    visit.at(40, 0)


def test_a_far_jump_is_cancelled_with_the_steps_that_wait_for_it(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_label("Jump to step").fill("900000")
    visit.click("Go")
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_be_visible()
    page.keyboard.press("ArrowRight")
    cancel.evaluate("(button) => button.click()")
    expect(page.locator("#notices")).to_contain_text("Stopped: step")
    page.keyboard.press("ArrowRight")
    visit.at(0, 1)


def test_the_learning_rate_changes_live_and_can_be_undone(visit: Visit) -> None:
    page = visit.open().page
    visit.click("Step forward")
    visit.at(1, 0)
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    expect(field).to_have_value("0.05")
    field.fill("0.2")
    field.press("Enter")
    expect(page.locator("#rate")).to_contain_text("α = 0.2 here, from step 1 on")
    assert visit.step(1)["learning_rate"] == 0.2
    assert visit.step(0)["learning_rate"] == 0.05
    slider = page.get_by_label("Learning rate slider")
    assert float(slider.input_value()) == pytest.approx(np.log10(0.2), abs=0.02)
    slider.focus()
    slider.press("Home")
    expect(field).to_have_value("0.00001")
    expect(page.locator("#rate")).to_contain_text("α = 0.00001 here")
    visit.click("Undo edit")
    expect(field).to_have_value("0.2")
    field.fill("fast")
    field.press("Enter")
    expect(
        page.get_by_role("alert").filter(has_text="“fast” is not a learning rate")
    ).to_be_visible()
    visit.at(1, 0)


def test_the_rate_that_is_shown_is_that_of_the_step_from_which_an_edit_would_hold(
    visit: Visit,
) -> None:
    page = visit.open().page
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    slider = page.get_by_label("Learning rate slider")
    for _ in range(6):
        visit.click("Next phase")
    visit.at(0, 6)
    _type(page, "0.2")
    expect(page.locator("#rate .edits")).to_have_text("from step 1: α = 0.2")
    expect(field).to_have_value("0.2")
    for name, phase, rate in (("Previous phase", 5, "0.05"), ("Next phase", 6, "0.2")):
        visit.click(name)
        visit.at(0, phase)
        expect(field).to_have_value(rate)
        expect(slider).to_have_attribute("aria-valuetext", rate)
    visit.click("Restart")
    visit.at(0, 0)
    expect(field).to_have_value("0.05")
    _type(page, "0.2")
    expect(page.locator("#rate")).to_contain_text("α = 0.2 here, from step 0 on")


def test_of_many_edits_the_last_are_listed_and_the_others_counted(visit: Visit) -> None:
    page = visit.open().page
    edits = page.locator("#rate .edits li")
    for step in range(8):
        httpx.post(f"{visit.api}/commands", json={"do": "seek", "step": step, "phase": 0})
        change = {"do": "change", "learning_rate": (step + 1) / 8}
        httpx.post(f"{visit.api}/commands", json=change)
        expect(edits.last).to_contain_text(f"from step {step}")
        first = {6: "… and 1 earlier edit", 7: "… and 2 earlier edits"}
        expect(edits.first).to_have_text(first.get(step, "from step 0: α = 0.125"))
    expect(edits.nth(1)).to_have_text("from step 2: α = 0.375")
    expect(edits).to_have_count(7)


def _type(page: Page, *rates: str) -> None:
    for rate in rates:
        field = page.get_by_role("textbox", name="Learning rate", exact=True)
        field.fill(rate)
        field.press("Enter")


def test_a_refusal_of_something_else_is_not_one_of_the_learning_rate(
    visit: Visit, wire: Wire
) -> None:
    page = visit.open().page
    _type(page, "0.2")
    expect(page.locator("#rate")).to_contain_text("α = 0.2 here")
    wire.cut()
    expect(page.locator("#notices")).to_contain_text("The server restarts")
    for _ in range(2):
        page.get_by_role("button", name="Undo edit").click()  # there is one edit
    _type(page, "0.4")
    wire.mend()
    expect(page.locator("#rate")).to_contain_text("α = 0.4 here")
    expect(page.locator("#rate-error")).to_have_text("")
    assert [each["do"] for each in wire.sent][-3:] == ["undo", "undo", "change"]


def test_a_learning_rate_can_be_taken_back_before_it_is_answered(visit: Visit, wire: Wire) -> None:
    page = visit.open().page
    wire.cut()
    expect(page.locator("#notices")).to_contain_text("The server restarts")
    _type(page, "0.2", "0.05")
    wire.mend()
    expect(page.locator("#rate .edits")).to_contain_text("α = 0.05")
    expect(page.locator("#rate")).to_contain_text("α = 0.05 here")


def test_what_is_no_learning_rate_stays_in_its_field_until_something_else_is_said(
    visit: Visit,
) -> None:
    page = visit.open().page
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    problem = page.locator("#rate-error")
    field.fill("fast")
    field.blur()
    visit.click("Step forward")
    visit.at(1, 0)
    expect(field).to_have_value("fast")
    expect(problem).to_contain_text("“fast” is not a learning rate")
    page.get_by_label("Learning rate slider").press("Home")
    expect(field).to_have_value("0.00001")
    expect(problem).to_have_text("")
    field.fill("fast")
    field.blur()
    page.get_by_label("Preset").select_option("The house in exact numbers")
    visit.at(0, 0)
    expect(field).not_to_have_value("fast")
    expect(problem).to_have_text("")


def test_what_is_no_learning_rate_is_told_what_one_looks_like(visit: Visit, wire: Wire) -> None:
    page = visit.open().page
    problem = page.locator("#rate-error")
    for text in ("1,5", "0x10", "-0.1", "0", ""):
        _type(page, text)
        words = "not a learning rate: a number above 0 with a decimal point, like 0.05"
        expect(problem).to_have_text(f"“{text}” is {words}")
    _type(page, "1e400")
    expect(problem).to_have_text("“1e400” is too large for a learning rate")
    _type(page, "5e−2", "+.25")
    expect(page.locator("#rate .edits")).to_have_text("from step 0: α = 0.25")
    assert [command["learning_rate"] for command in wire.sent] == [0.25]


def test_an_edit_that_ends_a_far_jump_is_not_called_refused(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_label("Jump to step").fill("900000")
    visit.click("Go")
    expect(page.locator("#notices")).to_contain_text("Computing step")
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    field.fill("0.2")
    field.press("Enter")
    expect(page.locator("#rate")).to_contain_text("α = 0.2 here, from step 0 on")
    visit.click("Step forward")
    visit.at(1, 0)
    expect(page.locator("#rate-error")).to_have_text("")


def test_an_edit_in_the_past_says_what_it_dropped(visit: Visit) -> None:
    page = visit.open().page
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    page.get_by_label("Jump to step").fill("9")
    visit.click("Go")
    visit.at(9, 0)
    field.fill("0.2")
    field.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("from step 9")
    field.blur()
    visit.click("Restart")
    visit.at(0, 0)
    field.fill("0.1")
    field.press("Enter")
    notice = page.locator("#notices")
    expect(notice).to_contain_text("took away 1 later change")
    notice.get_by_role("button", name="Undo").click()
    expect(page.locator("#rate .edits")).to_contain_text("from step 9: α = 0.2")


def test_a_click_on_the_loss_above_the_slider_goes_to_its_step(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_label("Jump to step").fill("100")
    page.keyboard.press("Enter")
    visit.at(100, 0)
    track = page.locator("#scrubber .track").bounding_box()
    assert track
    for part, step in ((0.25, 25), (1, 100), (0.5, 50)):
        page.mouse.click(track["x"] + part * track["width"], track["y"] + 10)
        visit.at(step, 0)
        here = page.locator("#scrubber .here").bounding_box()
        assert here
        assert here["x"] == pytest.approx(track["x"] + part * track["width"], abs=2)
    page.keyboard.press("ArrowLeft")
    visit.at(49, 0)
    page.mouse.click(track["x"] + 0.75 * track["width"], track["y"] + track["height"] + 12)
    visit.at(75, 0)


def test_plays_pauses_scrubs_and_jumps(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_label("Speed").select_option("as fast as it computes")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("[data-control=position]")).to_contain_text(
        re.compile(r"step \d{2,}|step \d,")
    )
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    furthest = httpx.get(visit.api).json()["furthest"]
    assert furthest > 10
    page.get_by_role("slider", name="Step", exact=True).fill("3")
    expect(page.locator("main")).to_have_attribute("data-cursor", re.compile("^3:"))
    page.get_by_label("Jump to step").fill("1,000")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_have_attribute("data-cursor", "1000:0")


def test_what_is_no_step_of_a_run_is_told_beside_its_field_and_not_sent(
    visit: Visit, wire: Wire
) -> None:
    page = visit.open().page
    problem = page.locator("#jump-error")
    for text in ("soon", "1,5", "1.5", "0x10", "-1", "1,000,001", "99999999999999999999"):
        page.get_by_label("Jump to step").fill(text)
        page.keyboard.press("Enter")
        expected = f"“{text}” is not a step: a whole number from 0 to 1,000,000"
        expect(problem).to_have_text(expected)
    page.get_by_label("Jump to step").fill("1,000")
    page.keyboard.press("Enter")
    visit.at(1000, 0)
    expect(problem).to_have_text("")
    assert [command["step"] for command in wire.sent] == [1000]
    expect(page.locator("#notices p")).to_have_count(0)


def test_a_reload_and_the_back_button_return_to_the_run(visit: Visit) -> None:
    page = visit.open().page
    visit.click("Step forward")
    visit.at(1, 0)
    first = page.url
    page.reload()
    visit.ready()
    visit.at(1, 0)
    page.get_by_label("Preset").select_option("The house in exact numbers")
    expect(page.locator("[data-unit='0.1']")).to_contain_text("bedrooms")
    visit.at(0, 0)
    assert page.url != first
    page.go_back()
    visit.at(1, 0)
    assert page.url == first


def test_the_house_goes_from_150000_to_99063_dollars(visit: Visit) -> None:
    page = visit.open().page
    page.get_by_label("Preset").select_option("The house in exact numbers")
    expect(page.locator("[data-unit='0.1']")).to_contain_text("bedrooms")
    bar = page.locator(".error-bar")
    expect(bar).to_contain_text("not yet")
    page.get_by_role("button", name="Phase 3: Error").click()
    expect(bar).to_contain_text("$150,000")
    expect(bar).to_contain_text("+$50,000")
    visit.click("Step forward")
    expect(bar).to_contain_text("$99,063")


def test_a_weight_is_chosen_and_let_go(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    page.get_by_role("button", name="Phase 6: Back through w²").click()
    visit.at(0, 6)
    edge = page.locator("[data-parameter='w2.3.1']")
    edge.locator(".target").click(force=True)
    expect(edge).to_have_attribute("aria-pressed", "true")
    page.locator("#diagram [data-parameter='w2.3.1']").press("Escape")
    expect(edge).to_have_attribute("aria-pressed", "false")


def test_what_is_chosen_already_stays_chosen(visit: Visit) -> None:
    page = visit.open(NON_SQUARE).page
    unit = page.locator("#diagram [data-unit='1.2']")
    unit.focus()
    page.keyboard.press("ArrowRight")
    chosen = page.locator("#diagram [aria-pressed=true]")
    expect(chosen).to_be_focused()
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        expect(chosen).to_be_focused()
        expect(page.locator(".chosen")).to_be_visible()
    unit.click()
    expect(page.locator(".chosen")).to_contain_text("hidden unit 2")
    unit.click()
    unit.dblclick()
    expect(page.locator(".chosen")).to_contain_text("hidden unit 2")
    page.keyboard.press("Escape")
    expect(page.locator(".chosen")).to_be_hidden()


def test_a_bias_that_is_not_trained_is_said_to_be_so_and_no_more(visit: Visit) -> None:
    page = visit.open(HOUSE).page
    page.get_by_role("button", name=re.compile("Update")).click()
    visit.at(0, 6)
    bias = page.locator("#diagram [data-parameter='b1.1']")
    expect(bias).to_have_attribute("aria-label", "b¹₁, bias of h₁: value 0, not trained")


def test_a_diverging_run_says_so(visit: Visit) -> None:
    page = visit.open({**NON_SQUARE, "learning_rate": 8}).page
    page.get_by_label("Jump to step").fill("100000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="The run diverges")).to_be_visible()


@pytest.mark.charts
def test_the_charts_come_when_the_page_is_idle_and_tell_the_truth(visit: Visit) -> None:
    page = visit.open().page
    for _ in range(4):
        visit.click("Next phase")
    frame = page.frame_locator("iframe")
    expect(frame.locator("#gradient .bars .point")).to_have_count(4)
    expect(frame.locator("#loss .scatterlayer").first).to_be_attached()
    expect(frame.locator("#gradient-words")).to_contain_text("All 4 partial derivatives")


@pytest.mark.charts
def test_the_charts_keep_their_look_without_styles_in_their_page(visit: Visit) -> None:
    """What the policy forbids would stand in the console, where a visit finds it."""
    huge = {
        "dataset": {"inputs": [[3e76]], "targets": [[0]]},
        "layers": [{"units": 1, "activation": "identity"}],
        "initial": {"weights": [[[1]]], "biases": [[0]]},
        "learning_rate": 1e-154,
    }
    page = visit.open(huge).page
    visit.click("Step forward")
    page.locator("#phases button").last.click()
    frame = page.frame_locator("iframe")
    expect(frame.locator("#gradient .bars .point").first).to_be_attached()
    for chart in ("#loss", "#gradient"):
        expect(frame.locator(f"{chart} .main-svg").first).to_have_css("position", "absolute")
        exponent = frame.locator(f"{chart} .ytick tspan[dy='-0.6em']").last
        expect(exponent).to_have_text(re.compile("15[0-9]"))
        expect(exponent).to_have_css("font-size", "8.4px")
    frame.locator("#gradient").hover()
    frame.locator("#gradient .bars .point path").first.hover(force=True)
    expect(frame.locator(".hoverlayer tspan[dy='-0.6em']")).to_be_visible()
    box = frame.locator("#loss .nsewdrag").bounding_box()
    assert box
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 150, steps=3)
    page.mouse.up()
    expect(frame.locator(".notifier-note")).to_contain_text("Double-click to")
    expect(frame.locator(".plotly-notifier")).to_have_css("position", "fixed")


def test_two_tabs_see_the_same_run(visit: Visit, browser: Browser, server: Server) -> None:
    visit.open()
    second = Visit(browser.new_page(), server)
    second.page.goto(visit.page.url)
    second.ready()
    visit.click("Next phase")
    second.at(0, 1)
    second.click("Step forward")
    visit.at(1, 1)
    second.page.close()
    assert second.problems == []


def test_a_killed_server_comes_back_and_nothing_is_done_twice(
    browser: Browser, tmp_path: Any
) -> None:
    server = Server(tmp_path)
    server.start()
    page = browser.new_page()
    visit = Visit(page, server).open()
    visit.click("Step forward")
    visit.at(1, 0)
    server.kill()
    expect(page.get_by_role("alert").filter(has_text="Connection lost")).to_be_visible()
    visit.click("Step forward")
    server.start()
    visit.at(2, 0)
    expect(page.get_by_text("Connection lost")).to_have_count(0)
    visit.click("Step forward")
    visit.at(3, 0)
    page.close()
    server.stop()
