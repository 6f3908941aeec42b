"""Every sum and product that is printed comes out as printed, for whoever does it with paper."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from app.timeline.phases import Cursor
from app.timeline.presets import PRESETS
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.frames import View, encode_frame
from tests.browser.test_notation import PAGES
from tests.browser.test_panel import MAZUR
from tests.mathml import contradictions, equations

# All formulas of each step, those of a weight for one of them, each in its turn.
FORMULAS = """async ([layout, frames, all]) => {
  const { decodeFrame } = await import('/static/js/core/protocol.js');
  const { parameterNames, parseName } = await import('/static/js/core/network.js');
  const { math } = await import('/static/js/mount/dom.js');
  const views = await import('/static/js/views/formulas.js');
  const units = layout.sizes.slice(1).flatMap((size, k) => Array.from({ length: size }, (_, u) => [k + 1, u + 1]));
  const names = parameterNames(layout).filter((name) => name[0] === 'w');
  return frames.flatMap((bytes, step) => {
    const frame = decodeFrame(new Uint8Array(bytes).buffer, layout);
    const weight = parseName(layout, names[step % names.length]);
    return all.map((digits) => [
      ...views.inputFormulas(layout, frame, digits),
      ...views.errorFormulas(layout, frame, digits),
      ...units.flatMap((unit) => views.forwardFormulas(layout, frame, ...unit, digits)),
      ...units.map((unit) => views.deltaFormula(layout, frame, ...unit, digits)),
      ...views.backwardFormulas(layout, frame, weight, digits),
      ...views.updateFormulas(layout, frame, weight, digits),
    ].map(({ tree }) => math(tree).outerHTML).join(''));
  });
}"""

# Rounded to float32, no figures of a value in its own unit give what the network sees.
THOUSANDS: dict[str, Any] = {
    "dataset": {
        "inputs": [[2, 1.655], [3, 0.195]],
        "targets": [[1.5], [0.7]],
        "input_units": [{"unit": "", "per": 1}, {"unit": "sq ft", "per": 1000}],
    },
    "layers": [{"units": 2, "activation": "tanh"}, {"units": 1, "activation": "identity"}],
    "precision": "float32",
    "shuffle": False,
}
CLASSES: dict[str, Any] = {  # more than there is room for, and one that is meant
    "dataset": {
        "inputs": [[k / 4, 1 - k / 8] for k in range(8)],
        "targets": [[float(j == k) for j in range(8)] for k in range(8)],
    },
    "layers": [{"units": 3, "activation": "tanh"}, {"units": 8, "activation": "softmax"}],
    "loss": "categorical_cross_entropy",
}
RUNS: dict[str, tuple[dict[str, Any], int, list[int]]] = {
    **{preset["name"]: (preset["spec"], 60, [4]) for preset in PRESETS},
    "two digits": ({}, 12, [2]),
    "two outputs": (MAZUR, 6, [2, 4]),
    "eight classes": (CLASSES, 20, [2]),
    **{name: (spec, 4, [2, 4]) for name, (spec, _) in PAGES.items() if spec},
}


@pytest.mark.parametrize("name", RUNS)
def test_what_is_printed_of_every_step_comes_out_on_paper(page: Page, name: str) -> None:
    spec, steps, digits = RUNS[name]
    run = Timeline(parse_spec(spec))
    frames = [
        list(encode_frame(run.record(step), run.dataset, View(0, Cursor(step, 0), 0, step)))
        for step in range(steps)
    ]
    written = page.evaluate(FORMULAS, [run.layout(), frames, digits])
    assert len(written) == steps * len(digits)
    assert len(equations(written[0])) > 8
    for k, markup in enumerate(written):
        assert contradictions(markup) == [], k


def test_a_value_of_which_no_figures_are_enough_is_written_all_the_same(page: Page) -> None:
    run = Timeline(parse_spec(THOUSANDS))
    frames = [
        list(encode_frame(run.record(step), run.dataset, View(0, Cursor(step, 0), 0, step)))
        for step in range(2)
    ]
    for markup in page.evaluate(FORMULAS, [run.layout(), frames, [2]]):
        assert len(equations(markup)) > 8


FIGURES = """async () => {
  const { fixed } = await import('/static/js/core/format.js');
  return [-2587780.944995539, 1, 0.1, 123.456].map((value) => fixed(value, { digits: 17, least: 17 }));
}"""


def test_no_number_is_written_with_figures_that_it_does_not_have(page: Page) -> None:
    """Seventeen tell any two numbers apart; those behind them would be made up."""
    found = page.evaluate(FIGURES)
    assert found == [
        "−2587780.9449955388",
        "1.0000000000000000",
        "0.10000000000000001",
        "123.45600000000000",
    ]
