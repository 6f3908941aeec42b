"""The JavaScript core's own tests, in the browser: modules of the page, imported by the page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Visit
from tests.contract.make_frame import EXPECTED, FILE, LAYOUT

DECODE = """async ([bytes, layout]) => {
  const { decodeFrame } = await import('/static/js/core/protocol.js');
  const frame = decodeFrame(new Uint8Array(bytes).buffer, layout);
  return Object.fromEntries(Object.entries(frame).map(([k, v]) => [k, v?.length === undefined ? v : [...v]]));
}"""
REFUSE = """async ([bytes, layout]) => {
  const { decodeFrame } = await import('/static/js/core/protocol.js');
  try { decodeFrame(new Uint8Array(bytes).buffer, layout); return ''; } catch (e) { return e.message; }
}"""
FORMAT = """async ([name, args]) => (await import('/static/js/core/format.js'))[name](...args)"""
PLAN = """async (sizes) => {
  const { planDiagram, overlaps, PILL } = await import('/static/js/core/geometry.js');
  const plan = planDiagram(sizes);
  const labels = plan.edges.filter((e) => e.label).map((e) => ({ ...e.label, name: e.name, edge: e }));
  const off = labels.filter((l) => Math.abs((l.x - l.edge.x1) * l.edge.dy - (l.y - l.edge.y1) * l.edge.dx) > 1e-6);
  const units = plan.units.map((u) => ({ x: u.x, y: u.y, width: 2 * plan.radius, height: 2 * plan.radius }));
  const clash = labels.flatMap((a, k) => [...labels.slice(k + 1), ...units, ...plan.biases]
    .filter((b) => overlaps(a, b)).map((b) => a.name));
  return { edges: plan.edges.length, labels: labels.length, off: off.length, clash };
}"""
REVEALED = """async (phase) => {
  const { revealed } = await import('/static/js/core/network.js');
  const layout = { sizes: [2, 4, 3, 2], phases: ['input', 'forward', 'forward', 'forward', 'error',
    'backward', 'backward', 'backward', 'update'].map((kind) => ({ kind, layer: null })) };
  const at = revealed(layout, phase);
  return [1, 2, 3].map((l) => [at.hasActivation(l), at.hasGradient(l)]);
}"""


@pytest.mark.parametrize("width", [8, 4])
def test_javascript_reads_the_golden_frame(visit: Visit, width: int) -> None:
    found = visit.open().page.evaluate(DECODE, [list(FILE(width).read_bytes()), LAYOUT])
    assert found == EXPECTED


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [(0, 65, "not a frame"), (4, 2, "frame version 2"), (18, 4, "bytes, expected")],
)
def test_javascript_refuses_what_is_no_frame(
    visit: Visit, at: int, value: int, message: str
) -> None:
    data = bytearray(FILE(8).read_bytes())
    data[at] = value
    assert message in visit.open().page.evaluate(REFUSE, [list(data), LAYOUT])


def test_numbers_are_written_as_people_read_them(visit: Visit) -> None:
    page = visit.open().page
    cases: list[tuple[str, list[Any], str]] = [
        ("fixed", [-1.005, 2], "−1.00"),
        ("fixed", [0, 2], "0.00"),
        ("fixed", [0.00001, 2], "1.0e−5"),
        ("fixed", [-123456789, 2], "−1.2e8"),
        ("signed", [0.25, 3], "+0.250"),
        ("short", [0.0004], "4e−4"),
        ("short", [-0.5, True], "−0.50"),
        ("short", [123.456], "123.5"),
        ("own", [150000, "$"], "$150,000"),
        ("own", [-50000, "$", True], "−$50,000"),
        ("own", [99062.5, "$"], "$99,063"),
        ("own", [1656, "sq ft"], "1,656 sq ft"),
        ("own", [1960, ""], "1960"),
        ("own", [0.25, ""], "0.25"),
        ("full", [-0.1], "−0.1"),
        ("symbol", ["w1.2.3"], "w¹₂₃"),
        ("symbol", ["w2.10.3"], "w²₁₀,₃"),
        ("symbol", ["b1.3"], "b¹₃"),
    ]
    for name, args, expected in cases:
        assert page.evaluate(FORMAT, [name, args]) == expected, (name, args)


@pytest.mark.parametrize("sizes", [[3, 3, 1], [2, 4, 3, 2], [4, 4, 4, 2], [2, 1, 1], [1, 6, 1]])
def test_labels_sit_on_their_own_edge_and_on_nothing_else(visit: Visit, sizes: list[int]) -> None:
    found = visit.open().page.evaluate(PLAN, sizes)
    assert found["clash"] == []
    assert found["off"] == 0
    assert found["labels"] == found["edges"]


def test_a_phase_reveals_what_it_has_computed_and_no_more(visit: Visit) -> None:
    page = visit.open().page
    seen = [page.evaluate(REVEALED, phase) for phase in range(9)]
    activations = [[layer[0] for layer in phase] for phase in seen]
    gradients = [[layer[1] for layer in phase] for phase in seen]
    assert activations[:4] == [[False] * 3, [True, False, False], [True, True, False], [True] * 3]
    assert gradients[4:] == [
        [False] * 3, [False, False, True], [False, True, True], [True] * 3, [True] * 3,
    ]  # fmt: skip
    assert gradients[:4] == [[False] * 3] * 4
