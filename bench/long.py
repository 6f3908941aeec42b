"""The long parts: what a test run does a little of, many times over. `python -m bench --long`.

Each prints one line of figures and raises AssertionError, or what else went wrong, where it fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from bench import load, long_chaos, neighbours
from tests.fuzz import openapi, sockets

REQUESTS, MESSAGES, SEQUENCES = 5_000, 50_000, 10_000


def requests_line() -> str:
    """Ask for everything that /openapi.json names, rightly and wrongly."""
    figures = openapi.run(REQUESTS)
    assert figures.total == REQUESTS
    assert figures.fitted[True] > 0.9 * figures.fitted.total()
    return figures.line


def messages_line() -> str:
    """Send commands, nearly commands and worse over sockets."""
    figures = sockets.run(MESSAGES)
    assert figures.sent == MESSAGES
    assert figures.replies > MESSAGES // 4
    return figures.line


def sequences_line() -> str:
    """Sequences of commands, evictions, restarts and crashes against a model."""
    laws = [f"tests/property/{name}.py" for name in ("test_sessions_laws", "test_exact_laws")]
    # Here one test takes longer than any may in a test run, and logs more than can be told.
    quiet = ("-q", "--show-capture=no", "-o", "faulthandler_timeout=0")
    command = [sys.executable, "-m", "pytest", *quiet, *laws]
    environment = {**os.environ, "RETRACE_TEST_SEQUENCES": str(SEQUENCES)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.returncode}: {(done.stdout + done.stderr)[-2_000:]}"
    return (
        f"{SEQUENCES:,} sequences end where the model ends, to the byte;"
        f" of {SEQUENCES // 2:,} with three machines none calls other digits exact"
    )


LONG: dict[str, Callable[[], str]] = {
    "openapi": requests_line,
    "messages": messages_line,
    "sequences": sequences_line,
    **long_chaos.LONG,
    **load.LONG,
    **neighbours.LONG,
}


def run(names: list[str]) -> list[str]:
    """Run the parts of these names, print a line for each, and return the names that failed."""
    failed = []
    for name in names:
        started = time.perf_counter()
        try:
            line = LONG[name]()
        except Exception as failure:  # one part's failure must not hide the figures of the others
            failed.append(name)
            line = f"FAILED: {type(failure).__name__}: {failure}"
        print(f"{name}: {line} ({time.perf_counter() - started:.0f} s)", flush=True)
    return failed
