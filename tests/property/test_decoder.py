"""The decoders of commands and specs: whatever comes in is understood or refused, never more."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.json_text import read_json
from app.refusal import Refused
from app.timeline.edits import parse_change
from app.timeline.spec import parse_spec
from app.wire.commands import FAR, READERS, Change, Command, read_command
from tests.described import misfits
from tests.fuzz.messages import COMMANDS, JUNK, hostile_texts, near_commands
from tests.fuzz.refusals import DOCUMENT, FEW, MANY, is_told
from tests.nets import SMALL

NETWORK = parse_spec(SMALL).network()


def _understood(text: Any) -> tuple[str | None, Command] | None:
    """Return what the text says, or None where it is refused as it must be."""
    try:
        return read_command(read_json(text, "message"))
    except Refused as refused:
        is_told(refused)
        return None


@settings(FEW)
@given(st.binary(max_size=300) | st.text(max_size=300) | hostile_texts())
@example(b"\xff\xfe{\x00}\x00")
@example("[" * 995 + "]" * 995)
def test_any_text_or_bytes_are_understood_or_refused(text: str | bytes) -> None:
    _understood(text)


@settings(MANY)
@given(near_commands() | JUNK)
def test_any_value_is_a_command_or_refused(value: Any) -> None:
    found = _understood(json.dumps(value))
    assert found is None or isinstance(found[1], Command)


@settings(FEW)
@given(COMMANDS)
def test_a_command_says_again_what_it_was_read_from(given_command: dict[str, Any]) -> None:
    found = _understood(json.dumps(given_command))
    assert found is not None
    said = _written(*found)
    assert given_command.items() <= {"id": None, **said}.items() or "optimizer" in said
    assert read_command(said) == found


def _written(identity: str | None, command: Command) -> dict[str, Any]:
    """Write a decoded command out again, with all that may be left out."""
    do = type(command).__name__.lower()
    items = command.change if isinstance(command, Change) else asdict(command)
    return {"do": do, "id": identity, **items}


@settings(MANY)
@given(COMMANDS | near_commands())
@example({"do": "step", "by": 0})
@example({"do": "seek", "step": -1})
@example({"do": "seek", "step": 1, "phase": 1_001})
@example({"do": "play", "per_second": 0.001})
@example({"do": "play", "per_second": 1_001})
@example({"do": "undo", "id": "x" * 81})
@example({"do": "undo", "id": "x" * 80})
def test_the_schema_says_which_commands_are_understood(value: Any) -> None:
    if not _is_plain(value):
        return
    found = _understood(json.dumps(value))
    fits = misfits(DOCUMENT, "LiveCommand", value) == []
    if found and _is_possible(found[1]):
        assert fits, misfits(DOCUMENT, "LiveCommand", value)
    elif fits:
        assert found
        assert isinstance(found[1], Change)
        assert "parameter" in found[1].change, "only the network knows its parameters"


def _is_possible(command: Command) -> bool:
    """Tell whether a change is one that a run of SMALL takes."""
    if not isinstance(command, Change):
        return True
    try:
        edit = parse_change(command.change, 0)
        if edit.parameter is not None:
            NETWORK.parameter_index(edit.parameter)
    except Refused as refused:
        is_told(refused)
        return False
    return True


def _is_plain(value: Any) -> bool:
    """Leave out what JSON Schema sees otherwise: 1.0 is whole, and numbers have no size."""
    if isinstance(value, dict):
        return all(map(_is_plain, (*value, *value.values())))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, str):
        return not re.search("[\ud800-\udfff]", value)
    if isinstance(value, float):
        return math.isfinite(value) and not value.is_integer()
    return not isinstance(value, int) or abs(value) <= FAR


def test_every_command_is_drawn() -> None:
    seen: set[str] = set()

    @settings(FEW, max_examples=200, derandomize=True, database=None)
    @given(COMMANDS)
    def draw(command: dict[str, Any]) -> None:
        seen.add(command["do"])

    draw()
    assert seen == set(READERS)
