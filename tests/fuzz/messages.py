"""Messages for the socket: right commands, nearly right ones, and what nobody would send."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from app.wire.commands import MOST_ID, READERS, UNITS
from tests.fuzz.sessions import MOST_STEPS

Message = str | bytes
Command = dict[str, Any]
HUGE = st.sampled_from([2**53, -(2**63), 10**30, 10**400, -(10**4000), 1e308, -1e-320])
STRANGE = st.sampled_from(
    [float("nan"), float("inf"), -0.0, 1.0, "\ud800", "\x00", "", "💥", "NaN"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JUNK = st.recursive(
    SCALARS | HUGE | STRANGE,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)
IDENTITIES = st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=MOST_ID)
SOME_PARAMETERS = ("w1.1.1", "w1.2.3", "b1.2", "w2.3.1", "b2.1")


def _command(do: str, **items: st.SearchStrategy[Any]) -> st.SearchStrategy[Command]:
    optional = {**items, "id": IDENTITIES}
    needed = {name: optional.pop(name) for name in ("step", "example") if name in optional}
    return st.fixed_dictionaries({"do": st.just(do), **needed}, optional=optional)


_CHANGES = [
    {"learning_rate": st.floats(1e-6, 0.3)},
    {"parameter": st.sampled_from(SOME_PARAMETERS), "value": st.floats(-2, 2)},
    {"optimizer": st.just({"name": "sgd"})},
]
CHANGE = st.one_of(
    st.fixed_dictionaries({"do": st.just("change"), **change}, optional={"id": IDENTITIES})
    for change in _CHANGES
)
MOVES = _command(
    "step", unit=st.sampled_from(UNITS), by=st.integers(-50, 50).filter(bool)
) | _command("seek", step=st.integers(0, MOST_STEPS), phase=st.integers(0, 4))
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    MOVES,
    CHANGE,
    MOVES | CHANGE,
    _command("undo"),
    _command("show", example=st.integers(0, 1)),
    _command("play", unit=st.sampled_from(UNITS), per_second=st.just(0) | st.floats(0.01, 1e3)),
    _command("pause") | _command("cancel"),
)


@st.composite
def near_commands(draw: st.DrawFn) -> Any:
    """Return a command with something left out, put in, replaced, renamed or wrapped."""
    command = dict(draw(COMMANDS))
    key = draw(st.sampled_from(sorted(command)))
    match draw(st.sampled_from(("leave out", "replace", "put in", "rename", "wrap", "twist"))):
        case "leave out":
            del command[key]
        case "replace":
            command[key] = draw(JUNK)
        case "put in":
            command[draw(st.text(max_size=100) | st.sampled_from(["by", "value"]))] = draw(JUNK)
        case "rename":
            command[key.upper()] = command.pop(key)
        case "wrap":
            return draw(st.sampled_from([[command], {"do": command}, json.dumps(command)]))
        case "twist":
            command["do"] = draw(st.sampled_from(list(READERS)))
    return command


@st.composite
def hostile_texts(draw: st.DrawFn) -> str:
    """Return text that is deep, long, not JSON, or JSON that only Python writes."""
    depth = draw(st.integers(900, 20_000))
    size = draw(st.integers(0, 60_000))
    return draw(
        st.text(st.characters(codec="utf-8"), max_size=200)
        | st.sampled_from(
            [
                "",
                "[" * depth,
                '{"do":' * min(depth, 9_000),
                '{"do": "step", "by": ' + "[" * depth + "]" * depth + "}",
                '{"do": "step", "id": "' + "x" * size + '"}',
                '{"' + "k" * size + '": 1, "do": "undo"}',
                '{"do": "seek", "step": ' + "9" * size + "}",
                '{"do": "change", "value": 1, "parameter": "' + "w" * size + '"}',
                '{"do": "play", "per_second": -Infinity}',
                '{"do": "step", "id": "\\ud800"}',
                '{"do": "step", "do": "undo"}',
                '{"do": "step"} {"do": "step"}',
                " " * size + '{"do": "pause"}',
                "\ufeff{}",
                "nul",
            ]
        )
    )


JSON_TEXTS = (near_commands() | JUNK).map(json.dumps)
KINDS: dict[str, st.SearchStrategy[Message]] = {
    "right": COMMANDS.map(json.dumps),
    "near": JSON_TEXTS,
    "hostile": hostile_texts() | st.binary(max_size=200),
}
# Chosen first: of strategies that are joined, the one with most branches would be drawn most.
MESSAGES = st.sampled_from(["right", "right", "near", "near", "hostile"]).flatmap(KINDS.__getitem__)
