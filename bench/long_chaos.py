"""The long forms of tests/chaos: 100 kills, 200 faulty wires. Each returns its line of figures."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.chaos import harness, wires


def kills(at_random: int = 50, at_failpoints: int = 50, seed: int = 1) -> str:
    """Kill a server under clients in flow; what was answered must be there."""
    seen, seconds = _in_folder(lambda folder: harness.chaos(folder, seed, at_random, at_failpoints))
    met = f"{at_random} + {at_failpoints} kills, {seen['answered']:,} commands answered,"
    met += f" {seen['frames compared']:,} frames compared, {seen['connected']:,} connections"
    done, undone = seen["unanswered, done"], seen["unanswered, not done"]
    met += f", unanswered: {done} done, {undone} not; 0 lost, 0 different"
    return _told(met, seconds, harness.too_little(seen, at_random, at_failpoints))


def faulty_wires(scenarios: int = 200, seed: int = 1) -> str:
    """Run lists of commands through wires that fail; all must end as without faults."""
    seen, seconds = _in_folder(lambda folder: wires.converge(folder, seed, scenarios))
    kinds = ", ".join(f"{seen[kind]} {kind}" for kind in wires.FAULTS)
    met = f"{scenarios} scenarios ({kinds}, {seen['twice']} doubled connections) end alike,"
    met += f" {seen['changes agreed']:,} changes seen alike by two viewers"
    return _told(met, seconds, wires.too_little(seen, scenarios))


LONG: dict[str, Callable[[], str]] = {"kills": kills, "wires": faulty_wires}


def _in_folder(run: Callable[[Path], Awaitable[Counter[str]]]) -> tuple[Counter[str], float]:
    """Run in a folder of its own; whatever a client finds wrong is raised."""

    async def here() -> Counter[str]:
        return await run(Path(folder))

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(here()), time.monotonic() - started


def _told(met: str, seconds: float, missing: list[str]) -> str:
    assert not missing, f"{met}; saw too little: {'; '.join(missing)}"
    return f"{met}; {seconds:.0f} s"
