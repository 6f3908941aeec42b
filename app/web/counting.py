"""How a command ended, in the words of the metrics."""

from __future__ import annotations

from app.metrics import Metrics
from app.refusal import Refused
from app.sessions.reaching import Busy, Cancelled
from app.sessions.writer import NotStored
from app.wire.commands import Command


def count(metrics: Metrics, command: Command, outcome: str) -> None:
    """Count a command by its kind and its outcome."""
    metrics.command(type(command).__name__.lower(), outcome)


def failed(failure: Exception) -> str:
    """Return the outcome of a command that raised `failure`."""
    match failure:
        case Busy():
            return "computing"
        case Cancelled():
            return "cancelled"
        case Refused() | NotStored():
            return "refused"
    return "failed"
