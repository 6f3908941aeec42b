"""Slow, cut, half-open and doubled connections: the end is the same as without, and told alike."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.wires import converge, too_little

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks its servers")


def test_all_faults_of_the_wire_end_in_the_same_state(tmp_path: Path) -> None:
    seen = asyncio.run(converge(tmp_path, seed=1, scenarios=20))
    assert too_little(seen, 20) == []


def test_wires_without_faults_are_not_taken_for_a_proof() -> None:
    assert too_little(Counter({"scenarios": 20, "changes agreed": 960}), 20) != []
