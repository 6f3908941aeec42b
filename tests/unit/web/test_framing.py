"""Large frames: made once for all who look at the same, in turn, and never before a reply."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.limits import Limits
from app.settings import Settings
from app.timeline.phases import Cursor
from app.timeline.timeline import Extent
from app.web import framing as framing_module
from app.web.framing import OF_EACH, Framing
from tests.clients import client_of

PARAMETERS = 10_000
SECONDS = (PARAMETERS * 3 * 8 + OF_EACH) / 1_000_000  # of a large frame at the rate below
RATE = Limits(frame_bytes_per_second=1_000_000)
LARGE: dict[str, Any] = {
    "dataset": {"inputs": [[0.1] * 60], "targets": [[1.0]]},
    "layers": [{"units": 60}, {"units": 1, "activation": "identity"}],
}


class Run:
    """As much of a session as its frames are made of."""

    def __init__(self, parameters: int = PARAMETERS, viewers: int = 2) -> None:
        network = SimpleNamespace(parameter_count=parameters)
        shown = SimpleNamespace(parameters=np.zeros(1))
        self.timeline = SimpleNamespace(network=network, dataset=None)
        self.extent = Extent(3, None, [])
        self.shown, self.viewers, self.revision = shown, range(viewers), 0
        self.cursor, self.playing = Cursor(3, 0), None


def test_large_frames_take_turns_whoever_looks() -> None:
    now = 100.0
    framing, one, two = Framing(RATE, lambda: now), Run(), Run()
    waits = [framing.wait(run) for run in (one, two, one)]  # type: ignore[arg-type]
    assert waits == pytest.approx([0, SECONDS, 2 * SECONDS])
    now += 2 * SECONDS
    assert framing.wait(two) == pytest.approx(SECONDS)  # type: ignore[arg-type]
    now += 60
    assert framing.wait(two) == 0  # type: ignore[arg-type]


def test_small_frames_go_out_at_once() -> None:
    framing, small = Framing(RATE, lambda: 100.0), Run(parameters=2_000, viewers=1)
    assert [framing.wait(small) for _ in range(50)] == [0] * 50  # type: ignore[arg-type]


def test_small_frames_to_a_class_take_turns_as_a_large_one_does() -> None:
    framing, small = Framing(RATE, lambda: 100.0), Run(parameters=10, viewers=300)
    waits = [framing.wait(small) for _ in range(300)]  # type: ignore[arg-type]
    assert waits == sorted(waits)
    assert waits[-1] > 299 * OF_EACH / RATE.frame_bytes_per_second


def test_a_frame_is_made_once_for_all_who_look_at_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    def encode(*_: Any) -> bytes:
        made.append(bytes([len(made)]))
        return made[-1]

    monkeypatch.setattr(framing_module, "encode_frame", encode)
    framing, run = Framing(RATE), Run()

    def frames(*examples: int) -> bytes:
        return b"".join(framing.frame(run, example) for example in examples)  # type: ignore[arg-type]

    assert frames(0, 0, 1, 1) == bytes([0, 0, 1, 1])
    run.cursor = Cursor(3, 1)
    assert frames(1, 1) == bytes([2, 2])
    run.shown = SimpleNamespace(parameters=np.zeros(1))
    assert frames(1, 1) == bytes([3, 3])


def test_a_reply_does_not_wait_for_the_turn_of_a_frame(data_dir: Path) -> None:
    limits = Limits(frame_bytes_per_second=1)  # the second frame comes in a day
    with client_of(Settings(data_dir=data_dir, limits=limits)) as client:
        identity = client.post("/api/sessions", json=LARGE).json()["id"]
        with client.websocket_connect(f"/api/sessions/{identity}/live") as socket:
            socket.receive_text(), socket.receive_bytes()
            for phase in (1, 2):
                socket.send_json({"do": "step", "unit": "phase", "by": 1})
                reply = json.loads(socket.receive_text())
                assert (reply["type"], reply["cursor"]["phase"]) == ("reply", phase)
