"""docs/protocol.md against the code, and one frame that Python and JavaScript must read alike.

The golden frame is made by hand with `struct`, not by our encoder:
`python -m tests.contract.make_frame` writes it."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.limits import DEFAULT_LIMITS
from app.sessions.rows import KEPT_CHANGES
from app.timeline.history import MAX_ROWS
from app.timeline.spec import DEFAULTS, parse_spec
from app.timeline.timeline import Timeline
from app.wire.commands import READERS
from app.wire.frames import HEADER, View, encode_frame
from tests.contract.make_frame import EXPECTED, FILE, LAYOUT

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "protocol.md").read_text("utf-8")


def _rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading."""
    part = TEXT[TEXT.index(heading) :]
    table = part[part.index("|---") :].split("\n\n", 1)[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_route_is_documented_and_every_documented_route_exists(client: TestClient) -> None:
    found = {
        (method if method != "HEAD" else "GET", route.path)
        for route in _all_routes(client.app)
        for method in (getattr(route, "methods", None) or {"WS"})
    }
    served = {(m, p) for m, p in found if not p.startswith(("/static", "/favicon", "/docs"))}
    documented = {tuple(row[0].strip("`").split(" ")) for row in _rows("## Routes")}
    assert documented == served


def _all_routes(app: Any) -> list[Any]:
    """Every route with a path, through routers that are included and not copied."""
    found = []
    for route in app.routes:
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if inner is not None and hasattr(inner, "routes"):
            found += _all_routes(inner)
        elif hasattr(route, "path"):
            found.append(route)
    return found


def test_the_documented_default_spec_is_the_default() -> None:
    documented = json.loads(re.search(r"```json\n(\{\n  \"dataset.*?)```", TEXT, re.S)[1])  # type: ignore[index]
    assert documented == DEFAULTS
    assert parse_spec({}).to_json() == documented


def test_the_header_table_is_the_struct() -> None:
    sizes = {
        "4 bytes": ("4s", 4),
        "u8": ("B", 1),
        "u16": ("H", 2),
        "u32": ("I", 4),
        "f64": ("d", 8),
    }
    at, layout = 0, "<"
    for offset, kind, _ in _rows("## Frames"):
        assert int(offset) == at
        layout += sizes[kind][0]
        at += sizes[kind][1]
    assert struct.Struct(layout).size == HEADER.size == 64
    assert layout == HEADER.format
    assert HEADER.size % 8 == 0


def test_the_limits_are_the_limits() -> None:
    for number in (
        DEFAULT_LIMITS.max_units,
        DEFAULT_LIMITS.max_parameters,
        DEFAULT_LIMITS.max_rows,
        DEFAULT_LIMITS.max_edits,
        DEFAULT_LIMITS.max_steps,
        DEFAULT_LIMITS.body_bytes,
        KEPT_CHANGES,
        MAX_ROWS,
    ):
        assert f"{number:,}" in TEXT
    assert f"{DEFAULT_LIMITS.max_layers} layers" in TEXT


def test_every_command_is_documented() -> None:
    assert set(re.findall(r'\{"do": "(\w+)"', TEXT)) == set(READERS)


def test_documented_fields_are_those_that_are_sent(client: TestClient) -> None:
    session = client.post("/api/sessions", json={}).json()
    step = client.get(f"/api/sessions/{session['id']}/steps/0").json()
    for value in (session, session["layout"], step, step["layers"][0]):
        for key in value:
            assert re.search(rf"[\"`]{key}[\"`]", TEXT), key


def test_the_encoder_writes_what_the_table_says() -> None:
    spec = {
        "dataset": {"inputs": [[1, 2], [3, 4], [5, 6]], "targets": [[1], [2], [3]]},
        "layers": [{"units": 3, "activation": "tanh"}, {"units": 1, "activation": "identity"}],
        "batch_size": 2,
        "precision": "float32",
    }
    timeline = Timeline(parse_spec(spec))
    record = timeline.record(2)
    view = View(revision=9, cursor=_Cursor(), example=1, furthest=40, playing=True)
    frame = encode_frame(record, timeline.dataset, view)
    header = HEADER.unpack_from(frame)
    assert header[:10] == (b"RTRC", 1, 64, 9, 2, 5, 4, 1, 1, 2)
    assert header[10:13] == (record.rows[1], 1, 40)
    numbers = np.frombuffer(frame, "<f4", offset=64)
    parts = [
        record.parameters, record.gradient, record.new_parameters, record.inputs[1],
        *(z[1] for z in record.z), *(a[1] for a in record.a), *(d[1] for d in record.delta),
        record.targets[1], record.inputs[1], record.a[-1][1], record.targets[1],
    ]  # fmt: skip
    np.testing.assert_array_equal(numbers, np.concatenate(parts))


class _Cursor:
    step, phase = 2, 5


@pytest.mark.parametrize("width", [8, 4])
def test_the_golden_frame_reads_as_it_was_made(width: int) -> None:
    frame = FILE(width).read_bytes()
    header = HEADER.unpack_from(frame)
    assert header[3:6] == (EXPECTED["revision"], EXPECTED["step"], EXPECTED["phase"])
    numbers = np.frombuffer(frame, f"<f{width}", offset=HEADER.size)
    np.testing.assert_array_equal(numbers[: LAYOUT["count"]], EXPECTED["parameters"])
    assert len(numbers) == sum(len(EXPECTED[k]) for k in EXPECTED if isinstance(EXPECTED[k], list))
