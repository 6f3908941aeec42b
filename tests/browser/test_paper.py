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

RUNS: dict[str, tuple[dict[str, Any], int, list[int]]] = {
    **{preset["name"]: (preset["spec"], 60, [4]) for preset in PRESETS},
    "two digits": ({}, 12, [2]),
    "two outputs": (MAZUR, 6, [2, 4]),
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
