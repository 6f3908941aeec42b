"""Whatever was answered is there after a kill, to the last bit; what was not is there wholly or not."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.harness import CLIENTS, chaos
from tests.chaos.server import FAILPOINTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and signals its kind")


def too_little(seen: Counter[str], random_kills: int, failpoint_kills: int) -> list[str]:
    """Return what happened less often than it must for such a run to prove anything."""
    kills, each = random_kills + failpoint_kills, failpoint_kills // len(FAILPOINTS)
    floors = {
        "at random": random_kills,
        **dict.fromkeys(FAILPOINTS, each),
        "answered": 10 * kills,
        "answered over HTTP": kills,
        "connected": kills * CLIENTS // 2,
        "resumed": kills * CLIENTS // 5,
        "frames compared": 10 * kills,
        "unanswered, done": failpoint_kills // 4,
        "unanswered, not done": failpoint_kills // 4,
        "steps read": kills // 4,
        "played": kills // 10,
    }
    return [
        f"{name}: {seen[name]} of {floor}" for name, floor in floors.items() if seen[name] < floor
    ]


def test_nothing_that_was_answered_is_lost_to_kills(tmp_path: Path) -> None:
    seen = asyncio.run(chaos(tmp_path, seed=1, random_kills=10, failpoint_kills=10))
    assert too_little(seen, 10, 10) == []


def test_a_run_that_saw_too_little_is_not_taken_for_a_proof() -> None:
    assert too_little(Counter({"at random": 10, "answered": 400}), 10, 10) != []
