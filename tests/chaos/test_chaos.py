"""Whatever was answered is there after a kill, to the last bit; what was not is there wholly or not."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.harness import chaos, too_little

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and signals its kind")


def test_nothing_that_was_answered_is_lost_to_kills(tmp_path: Path) -> None:
    seen = asyncio.run(chaos(tmp_path, seed=1, random_kills=10, failpoint_kills=10))
    assert too_little(seen, 10, 10) == []


def test_a_run_that_saw_too_little_is_not_taken_for_a_proof() -> None:
    assert too_little(Counter({"at random": 10, "answered": 400}), 10, 10) != []
