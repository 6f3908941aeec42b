"""Frames against memcpy and json; a click's way to the server and back; memory of a session."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from app.timeline.phases import Cursor
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.frames import View, encode_frame
from app.wire.steps import step_json
from bench.timing import best_of


def main() -> None:
    _frames()
    _memory()
    with tempfile.TemporaryDirectory() as folder:
        _clicks(folder)


def _timeline(inputs: int, hidden: int) -> Timeline:
    rng = np.random.default_rng(0)
    data = {"inputs": rng.normal(size=(32, inputs)).tolist(), "targets": [[0.5]] * 32}
    layers = [{"units": hidden}, {"units": 1, "activation": "identity"}]
    return Timeline(parse_spec({"dataset": data, "layers": layers, "learning_rate": 1e-3}))


def _frames() -> None:
    for inputs, hidden in ((3, 3), (784, 128)):
        timeline = _timeline(inputs, hidden)
        record, view = timeline.record(0), View(0, Cursor(0, 0), 0, 0)
        size = len(encode_frame(record, timeline.dataset, view))
        source, target = np.zeros(size, np.uint8), np.empty(size, np.uint8)

        def as_frame(r: Any = record, t: Any = timeline, v: Any = view) -> object:
            return encode_frame(r, t.dataset, v)

        def as_json(r: Any = record, t: Any = timeline) -> object:
            return json.dumps(step_json(r, t.network, t.dataset, 0))

        def copy(s: Any = source, t: Any = target) -> object:
            return np.copyto(t, s)

        best = best_of({"frame": as_frame, "json": as_json, "memcpy": copy})
        print(
            f"frame of {size:,} bytes: {best['frame'] * 1e6:.0f} us, {best['frame'] / best['memcpy']:.1f}"
            f" times memcpy, json takes {best['json'] / best['frame']:.0f} times as long"
        )


def _memory() -> None:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = []
    for _ in range(10):
        kept.append(Timeline(parse_spec({})))
        kept[-1].record(200)
    each = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    tracemalloc.stop()
    print(f"memory of a session of Ames after 200 steps: {each / 1e6:.2f} MB")


def _clicks(folder: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"RETRACE_PORT": str(port), "RETRACE_DATA_DIR": folder, "RETRACE_HOST": "127.0.0.1"}
    root = Path(__file__).parents[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "app"], cwd=root, env={**os.environ, **settings}
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            _wait_for(client)
            identity = client.post("/api/sessions", json={}).json()["id"]
            url = f"/api/sessions/{identity}/commands"
            best = best_of(
                {
                    "click": lambda: client.post(
                        url, json={"do": "step", "unit": "phase", "by": 1}
                    ),
                    "health": lambda: client.get("/healthz"),
                }
            )
    finally:
        server.terminate()
        server.wait()
    print(
        f"a click over HTTP: {best['click'] * 1e3:.1f} ms, {best['click'] / best['health']:.1f} times /healthz"
    )


def _wait_for(client: httpx.Client) -> None:
    while True:
        try:
            client.get("/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.05)
