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
    command = ["-m", "tests.machines.visit", str(folder), key, str(step), *end]
    return dict(json.loads(output_of(command, MACHINES[machine])))


def output_of(command: list[str], settings: dict[str, str]) -> str:
    """Return what another Python process writes, under these settings of the environment."""
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE",)}
    environment |= settings
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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


_NAMED = """
import hashlib
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
targets = [[int(k % 3 == c) for c in range(3)] for k in range(30)]
run = Timeline(parse_spec({
    "dataset": {"inputs": [[k / 7, k * k / 99] for k in range(30)], "targets": targets},
    "layers": [{"units": 8, "activation": "tanh"}, {"units": 3, "activation": "softmax"}],
    "loss": "categorical_cross_entropy",
    "batch_size": 8,
}))
found = run.record(500)
print(hashlib.sha256(found.parameters.tobytes() + found.gradient.tobytes()).hexdigest())
print(run.machine)
"""


def test_two_ways_of_the_c_library_are_two_machines() -> None:
    """Where NumPy has no loops of its own, its functions are those of the C library."""
    plain = {"NPY_DISABLE_CPU_FEATURES": _SWITCHED}
    other = {**plain, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4"}
    (digits, machine), (others, another) = (
        output_of(["-c", _NAMED], settings).splitlines() for settings in (plain, other)
    )
    if digits == others:
        pytest.skip("this C library has one way only here")
    assert machine != another


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


_NAMELESS = """
import platform, sys
import threadpoolctl
from app.timeline.machine import fingerprint
threadpoolctl.threadpool_info = list  # as where NumPy uses Apple's BLAS
if sys.argv[1:]:
    platform.release = lambda: sys.argv[1]
print(fingerprint("float32"))
"""


def test_a_blas_that_says_no_version_is_told_by_its_products_and_its_system() -> None:
    def name(machine: str, *release: str) -> str:
        return output_of(["-c", _NAMELESS, *release], MACHINES[machine])

    assert name("Haswell") == name("Haswell")
    assert name("Haswell") != name("Sandybridge")
    assert name("Haswell", "23.6.0") != name("Haswell", "25.1.0")
