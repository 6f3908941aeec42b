"""What stands in paths and queries, by name: a name means the same wherever it stands."""

from __future__ import annotations

from app.limits import Limits
from app.wire.commands import MOST_PHASE
from app.wire.schemas.words import PARAMETER, Schema, one_of, said, whole

THEMES = ("light", "dark")
MOST_CHECKED = 500
MOST_REACH = 1e9
FAR = 999_999_999  # whole numbers in an address have nine digits at most


def parameters(limits: Limits) -> dict[str, Schema]:
    """Return the schema of each parameter, with what it means."""
    parameter = said("a weight or bias, like w1.2.3 or b1.3", PARAMETER)
    reach: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_REACH}
    most = {**whole(1, MOST_CHECKED), "default": MOST_CHECKED}
    return {
        "session_id": said("the key to the session", {"type": "string", "minLength": 1}),
        "step": said("a step, from 0", whole(0, limits.max_steps)),
        "example": said("a position in the step's rows", {**whole(0, FAR), "default": 0}),
        "phase": said(
            "a phase of the step; the last one if left out or empty", whole(0, MOST_PHASE)
        ),
        "parameter": parameter,
        "x": parameter,
        "y": said("another weight or bias than x", PARAMETER),
        "value": said("what to set it to", {"type": "number"}),
        "reach": said("how far to either side; far enough if left out or empty", reach),
        "first": said("the first parameter to check", {**whole(0, FAR), "default": 0}),
        "count": said("how many parameters to check", most),
        "theme": said("the colours", {**one_of(THEMES), "default": THEMES[0]}),
    }
