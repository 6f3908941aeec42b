"""Writes the golden frames with `struct` alone, from the table in docs/protocol.md."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

LAYOUT: dict[str, Any] = {"sizes": [2, 3, 1], "count": 13}
_COUNTS = {
    "parameters": 13, "gradient": 13, "newParameters": 13, "inputs": 2, "z": 4, "a": 4, "delta": 4,
    "targets": 1, "ownInputs": 2, "ownPrediction": 1, "ownTargets": 1,
}  # fmt: skip


def _numbers() -> dict[str, list[float]]:
    """Numbers that both precisions hold exactly, all different."""
    found, at = {}, 0
    for name, count in _COUNTS.items():
        found[name] = [(at + k) / 8 - 3 for k in range(count)]
        at += count
    return found


EXPECTED: dict[str, Any] = {
    "revision": 7, "step": 123_456, "phase": 5, "playing": True, "lastFinite": False, "anew": True,
    "example": 2, "rows": 3, "row": 41, "epoch": 19, "furthest": 999_999, "learningRate": 0.05, "loss": 1.25,
    "testLoss": None, **_numbers(),
}  # fmt: skip


def FILE(width: int) -> Path:
    return Path(__file__).with_name(f"frame_v1_float{width * 8}.bin")


def make(width: int) -> bytes:
    e = EXPECTED
    head = struct.pack(
        "<4sHHIIHBB", b"RTRC", 1, 64, e["revision"], e["step"], e["phase"], width, 1 | 4
    )
    head += struct.pack("<5I", e["example"], e["rows"], e["row"], e["epoch"], e["furthest"])
    head += struct.pack("<3d", e["learningRate"], e["loss"], float("nan"))
    numbers = [number for name in _COUNTS for number in e[name]]
    return head + struct.pack(f"<{len(numbers)}{'d' if width == 8 else 'f'}", *numbers)


if __name__ == "__main__":
    for width in (8, 4):
        FILE(width).write_bytes(make(width))
