"""A run goes on from stored bytes on any machine, and says where its digits are not the first ones."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
_CORE = np._core._multiarray_umath  # type: ignore[attr-defined]
_SWITCHED = " ".join(n for n in _CORE.__cpu_dispatch__ if _CORE.__cpu_features__.get(n))
MACHINES = {
    "as it is": {},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "Sandybridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "Sandybridge, plain NumPy": {
        "OPENBLAS_CORETYPE": "Sandybridge",
        "NPY_DISABLE_CPU_FEATURES": _SWITCHED,
    },
}
pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="names kernels of x86 processors"
)


def visit(folder: Path, key: str, step: int, machine: str, *end: str) -> dict[str, Any]:
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE",)}
    command = [sys.executable, "-m", "tests.machines.visit", str(folder), key, str(step), *end]
    done = subprocess.run(
        command, cwd=ROOT, env={**environment, **MACHINES[machine]}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("other", list(MACHINES)[1:])
def test_a_run_goes_on_from_stored_bytes_and_says_where_a_replay_differs(
    tmp_path: Path, other: str
) -> None:
    first = visit(tmp_path, "new", 8_000, "as it is")
    key = first["key"]
    assert all(exact for _, exact in first["seen"].values())
    assert len(first["states"]) > 3

    second = visit(tmp_path, key, 12_000, other)
    assert second["states"].items() >= first["states"].items(), "what was stored stays as it was"
    if second["machine"] == first["machine"]:
        pytest.skip("this processor cannot be told from the other")
    assert second["others"] == [first["machine"]]
    for step, (found, exact) in first["seen"].items():
        again, is_exact = second["seen"][step]
        assert exact
        assert not is_exact or again == found, f"step {step} differs and does not say so"
    beyond = [exact for step, (_, exact) in second["seen"].items() if int(step) > 8_000]
    assert beyond
    assert all(beyond), "what this machine computed first is as it was"

    third = visit(tmp_path, key, 12_000, other)
    changed = {
        k: (v, third["seen"].get(k)) for k, v in second["seen"].items() if third["seen"].get(k) != v
    }
    assert not changed, "the same machine sees the same again"
    assert third["states"].items() >= second["states"].items()

    fourth = visit(tmp_path, key, 9_000, "as it is")
    assert set(fourth["others"]) == {second["machine"]}
    for step, (found, _) in first["seen"].items():
        if int(step) < 8_000:
            assert fourth["seen"][step] == [found, True], "the first machine still has its digits"
    for step, (found, exact) in second["seen"].items():
        again, is_exact = fourth["seen"][step]
        if int(step) > 8_000 and exact:
            assert not is_exact or again == found


def test_some_replays_differ_and_are_announced(tmp_path: Path) -> None:
    """Without this the test above could pass where nothing ever differs."""
    first = visit(tmp_path, "new", 8_000, "as it is")
    second = visit(tmp_path, first["key"], 8_000, "Sandybridge, plain NumPy")
    if second["machine"] == first["machine"]:
        pytest.skip("this processor cannot be told from the other")
    differing = [t for t, (found, _) in first["seen"].items() if second["seen"][t][0] != found]
    assert differing
    assert not any(second["seen"][t][1] for t in differing)


@pytest.mark.parametrize("how", [[], ["read"]], ids=["moved", "read"])
def test_what_a_killed_process_had_shown_counts_as_its_own(tmp_path: Path, how: list[str]) -> None:
    """Its checkpoints are not stored yet; that it had shown the steps is."""
    first = visit(tmp_path, "new", 8_000, "as it is", "killed", *how)
    assert list(first["states"]) == ["0"]
    second = visit(tmp_path, first["key"], 9_000, "Sandybridge, plain NumPy")
    if second["machine"] == first["machine"]:
        pytest.skip("this processor cannot be told from the other")
    assert second["others"] == [first["machine"]]
    for step, (found, _) in first["seen"].items():
        again, is_exact = second["seen"][step]
        assert not is_exact
        assert again != found or int(step) < 2_000
    assert second["seen"]["8400"][1], "what nobody had seen is this machine's own"
    third = visit(tmp_path, first["key"], 9_000, "as it is")
    assert not third["seen"]["8400"][1]
