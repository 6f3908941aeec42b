"""What is stored of a run beside its spec and edits, so that it need not be computed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.timeline.checkpoints import Checkpoint


@dataclass(frozen=True)
class Saved:
    """`checkpoints` are all of them when a run is read, and the new ones when it is written.

    `steps` are those of all checkpoints that are kept: what else the store has of this run is gone.
    Where it is not `complete` there are more new checkpoints than are written at once: what was
    read without them is whole, but computes longer from one to the next.
    """

    interval: int
    recorders: list[list[Any]]
    pinned: list[int]
    history: bytes
    checkpoints: tuple[Checkpoint, ...]
    steps: frozenset[int]
    complete: bool = True
