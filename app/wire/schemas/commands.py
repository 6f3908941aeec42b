"""What a command may be, and what is answered."""

from __future__ import annotations

from app.limits import Limits
from app.wire.commands import (
    FAR,
    FASTEST,
    MOST_ID,
    MOST_PHASE,
    OVER_HTTP,
    READERS,
    SLOWEST,
    UNITS,
)
from app.wire.schemas.spec import LEARNING_RATE
from app.wire.schemas.words import (
    COUNT,
    MAYBE_TEXT,
    NUMBER,
    PARAMETER,
    TRUTH,
    Schema,
    an_object,
    list_of,
    named,
    one_of,
    said,
    some_object,
    whole,
)

IDENTITY: Schema = said(
    "made by the client: a known id is answered again and not done again",
    {"type": ["string", "null"], "minLength": 1, "maxLength": MOST_ID},
)
BY: Schema = {"type": "integer", "minimum": -FAR, "maximum": FAR, "not": {"const": 0}}
SPEED: Schema = said(
    "0 is as fast as it computes",
    {"oneOf": [{"const": 0}, {"type": "number", "minimum": SLOWEST, "maximum": FASTEST}]},
)


def command_schemas(limits: Limits) -> dict[str, Schema]:
    """Return the schemas of commands and of their reply by name."""
    return {
        "Command": said("over HTTP", {"oneOf": [named(_title(do)) for do in OVER_HTTP]}),
        "LiveCommand": said("over the socket", {"oneOf": [named(_title(do)) for do in READERS]}),
        **_moves(limits),
        **_bare_ones(),
        "Cursor": an_object(step=whole(0, limits.max_steps), phase=COUNT),
        "Edit": {"oneOf": [some_object(("step", *e), {"step": COUNT, **e}) for e in _changes()]},
        "Reply": _reply(limits),
    }


def _moves(limits: Limits) -> dict[str, Schema]:
    phase = {**whole(0, MOST_PHASE), "default": 0}
    unit = {**one_of(UNITS), "default": "phase"}
    speed = {"unit": {**unit, "default": "step"}, "per_second": {**SPEED, "default": 1}}
    return {
        "StepCommand": _command("step", (), unit=unit, by={**BY, "default": 1}),
        "SeekCommand": _command("seek", ("step",), step=whole(0, limits.max_steps), phase=phase),
        "ChangeCommand": {"oneOf": [_command("change", tuple(c), **c) for c in _changes()]},
        "ShowCommand": _command("show", ("example",), example=whole(0, FAR)),
        "PlayCommand": _command("play", (), **speed),
    }


def _bare_ones() -> dict[str, Schema]:
    return {_title(do): _command(do, ()) for do in ("undo", "pause", "cancel")}


def _changes() -> list[dict[str, Schema]]:
    return [
        {"learning_rate": LEARNING_RATE},
        {"parameter": PARAMETER, "value": NUMBER},
        {"optimizer": named("Optimizer")},
    ]


def _title(do: str) -> str:
    return f"{do.capitalize()}Command"


def _command(do: str, required: tuple[str, ...], **keys: Schema) -> Schema:
    return some_object(("do", *required), {"do": {"const": do}, "id": IDENTITY, **keys})


def _reply(limits: Limits) -> Schema:
    last = said("the last step with finite numbers", an_object(step=COUNT))
    keys = {
        "id": MAYBE_TEXT,
        "cursor": named("Cursor"),
        "dropped": said("edits of later steps that a change took away", list_of(named("Edit"))),
        "edits": list_of(named("Edit"), limits.max_edits),
        "diverged": last,
        "can_undo": TRUTH,
        "furthest": said("the furthest step computed", COUNT),
        "revision": said("rises with each edit and undo", COUNT),
        "offset": said("the number of this change in the session", COUNT),
    }
    return some_object(("id", "cursor"), keys)
