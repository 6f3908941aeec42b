"""What a session must look like after a list of commands: the oracle of every client here.

Each state stands on a timeline made afresh of spec and edits, so it shares nothing with what a
server that was killed, restored and resent to has behind it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from app.limits import DEFAULT_LIMITS
from app.refusal import Refused
from app.timeline.edits import parse_change
from app.timeline.phases import START, Cursor, last_cursor
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.frames import HEADER, View, encode_frame

Json = dict[str, Any]
_NOT_NUMBERS = ("furthest", "flags")
_FIELDS = (
    *("magic", "version", "header", "revision", "step", "phase", "itemsize", "flags"),
    *("example", "rows", "row", "epoch", "furthest", "learning_rate", "loss", "test_loss"),
)


@dataclass(frozen=True)
class State:
    """All that a session is; `spec`, `edits` and `undo_stack` as JSON text."""

    spec: str = field(repr=False)
    cursor: Cursor = START
    edits: str = "[]"
    undo_stack: str = "[]"
    revision: int = 0
    offset: int = 0

    def told(self) -> Json:
        """Return the part of a session's JSON that this state decides."""
        return {
            "cursor": self.cursor.to_json(),
            "edits": json.loads(self.edits),
            "revision": self.revision,
            "offset": self.offset,
            "can_undo": self.undo_stack != "[]",
        }

    def digest(self) -> str:
        """Return the digest of the frame of this state, of all its numbers."""
        timeline = timeline_of(self)
        record = timeline.record(self.cursor.step)
        return digest_of(
            encode_frame(record, timeline.dataset, View(self.revision, self.cursor, 0, 0))
        )

    def final(self) -> str:
        """Return one hash over everything: cursor, edits, revision, offset and the frame."""
        return final_of(self.told(), self.digest())


@dataclass(frozen=True)
class Outcome:
    """A command's effect: the state after it, and the keys of its reply, or why it is refused."""

    state: State
    reply: Json
    refused: str | None = None


def after(state: State, command: Json) -> Outcome:
    """Return what a step, seek, change or undo makes of `state`."""
    try:
        return _EFFECTS[command["do"]](state, command)
    except Refused as refused:
        return Outcome(state, {}, refused.code)


def _step(state: State, command: Json) -> Outcome:
    wanted = timeline_of(state).move(state.cursor, command["unit"], command["by"])
    return _go(state, wanted)


def _seek(state: State, command: Json) -> Outcome:
    return _go(state, Cursor(command["step"], command.get("phase", 0)))


def _go(state: State, wanted: Cursor) -> Outcome:
    timeline, extra = timeline_of(state), {}
    try:
        timeline.record(wanted.step)
    except Refused:
        last = timeline.last_step or 0
        wanted, extra = last_cursor(last, timeline.phase_count), {"diverged": {"step": last}}
    return _outcome(replace(state, cursor=wanted, offset=state.offset + 1), extra)


def _change(state: State, command: Json) -> Outcome:
    timeline = timeline_of(state, shared=False)
    step = state.cursor.step + (state.cursor.phase == timeline.phase_count - 1)
    given = {key: value for key, value in command.items() if key not in ("do", "id")}
    dropped = [old.to_json() for old in timeline.change(parse_change(given, step))]
    return _edited(state, timeline, {"dropped": dropped})


def _undo(state: State, command: Json) -> Outcome:
    timeline = timeline_of(state, shared=False)
    timeline.undo()
    return _edited(state, timeline, {})


def _edited(state: State, timeline: Timeline, extra: Json) -> Outcome:
    cursor = state.cursor
    try:
        timeline.record(cursor.step)
    except Refused:
        last = timeline.last_step or 0
        cursor, extra = (
            last_cursor(last, timeline.phase_count),
            {**extra, "diverged": {"step": last}},
        )
    edits = [edit.to_json() for edit in timeline.edits]
    new = State(
        state.spec,
        cursor,
        json.dumps(edits),
        json.dumps(timeline.held.undo_stack),
        state.revision + 1,
        state.offset + 1,
    )
    return _outcome(new, {**extra, "edits": edits, "can_undo": bool(timeline.held.undo_stack)})


def _outcome(state: State, extra: Json) -> Outcome:
    told = state.told()
    place = {key: told[key] for key in ("cursor", "revision", "offset")}
    return Outcome(state, {**place, **extra})


_EFFECTS = {"step": _step, "seek": _seek, "change": _change, "undo": _undo}


def reply_of(message: Json) -> Json:
    """Return of a reply what the commands decide; how far a server had computed is its own."""
    return {k: v for k, v in message.items() if k not in ("type", "id", "furthest")}


def told_by(session: Json) -> Json:
    """Return of a session's JSON what a state decides."""
    return {key: session[key] for key in ("cursor", "edits", "revision", "offset", "can_undo")}


def header_of(frame: bytes) -> Json:
    return dict(zip(_FIELDS, HEADER.unpack_from(frame), strict=True))


def digest_of(frame: bytes) -> str:
    """Return the digest of a frame, but for its flags and how far the server had computed."""
    numbers = {k: v for k, v in header_of(frame).items() if k not in _NOT_NUMBERS}
    return hashlib.sha256(repr(numbers).encode() + frame[HEADER.size :]).hexdigest()


def final_of(told: Json, digest: str) -> str:
    text = json.dumps(told, sort_keys=True) + digest
    return hashlib.sha256(text.encode()).hexdigest()


def timeline_of(state: State, shared: bool = True) -> Timeline:
    """Return a timeline with the edits of `state`; one that will be changed is not shared."""
    make = _made if shared else _made.__wrapped__
    return make(state.spec, state.edits, state.undo_stack)


@lru_cache(256)
def _made(spec: str, edits: str, undo_stack: str) -> Timeline:
    return Timeline(
        parse_spec(json.loads(spec)),
        json.loads(edits),
        json.loads(undo_stack),
        limits=DEFAULT_LIMITS,
    )
