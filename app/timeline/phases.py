"""Phases of a step, and the cursor that stands at one of them. Moving it is arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass

from app.limits import DEFAULT_LIMITS


@dataclass(frozen=True)
class Phase:
    """A visible part of a step: input, forward, error, backward, update; layers count from 1."""

    kind: str
    layer: int | None = None

    def to_json(self) -> dict[str, str | int | None]:
        return {"kind": self.kind, "layer": self.layer}


@dataclass(frozen=True, order=True)
class Cursor:
    """Where the viewer stands."""

    step: int
    phase: int

    def to_json(self) -> dict[str, int]:
        return {"step": self.step, "phase": self.phase}


START = Cursor(0, 0)


def phases_of(layer_count: int) -> tuple[Phase, ...]:
    """Return the 2 L + 3 phases of a step of L layers, in order."""
    layers = range(1, layer_count + 1)
    return (
        Phase("input"),
        *(Phase("forward", layer) for layer in layers),
        Phase("error"),
        *(Phase("backward", layer) for layer in reversed(layers)),
        Phase("update"),
    )


def move(
    cursor: Cursor,
    unit: str,
    by: int,
    phase_count: int,
    steps_per_epoch: int,
    last_step: int = DEFAULT_LIMITS.max_steps,
) -> Cursor:
    """Return the cursor `by` units on (back, where negative), clamped to the run.

    A move by step keeps the phase. A move by epoch goes to phase 0 of that epoch's first step.
    """
    if unit == "phase":
        place = cursor.step * phase_count + cursor.phase + by
        place = min(max(place, 0), last_step * phase_count + phase_count - 1)
        return Cursor(*divmod(place, phase_count))
    if unit == "step":
        step = cursor.step + by
        if step < 0:
            return START
        if step > last_step:
            return last_cursor(last_step, phase_count)
        return Cursor(step, cursor.phase)
    step = max(cursor.step // steps_per_epoch + by, 0) * steps_per_epoch
    return Cursor(step, 0) if step <= last_step else last_cursor(last_step, phase_count)


def last_cursor(step: int, phase_count: int) -> Cursor:
    """Return the last phase of `step`."""
    return Cursor(step, phase_count - 1)
