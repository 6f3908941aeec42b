"""Commands: the one language of the WebSocket and of HTTP, decoded into frozen values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.timeline.reading import a_name, a_number, a_text, a_whole, an_object, refused

UNITS = ("phase", "step", "epoch")
FAR = 2**53 - 1  # the largest whole number that JSON carries everywhere
MOST_PHASE, MOST_ID = 1_000, 80
SLOWEST, FASTEST = 0.01, 1_000  # per second


@dataclass(frozen=True)
class Step:
    unit: str
    by: int


@dataclass(frozen=True)
class Seek:
    step: int
    phase: int


@dataclass(frozen=True)
class Change:
    """`change` holds the command's own keys; what is allowed depends on the run."""

    change: dict[str, Any]


@dataclass(frozen=True)
class Undo:
    pass


@dataclass(frozen=True)
class Show:
    example: int


@dataclass(frozen=True)
class Play:
    """`per_second` 0 means as fast as it computes."""

    unit: str
    per_second: float


@dataclass(frozen=True)
class Pause:
    pass


@dataclass(frozen=True)
class Cancel:
    pass


Command = Step | Seek | Change | Undo | Show | Play | Pause | Cancel


def _step(given: dict[str, Any]) -> Step:
    an_object(given, "", ("unit", "by"))
    unit = a_name(given.get("unit", "phase"), "unit", UNITS)
    by = a_whole(given.get("by", 1), "by", -FAR, FAR)
    if by == 0:
        raise refused("by", by, "any whole number but 0")
    return Step(unit, by)


def _seek(given: dict[str, Any]) -> Seek:
    an_object(given, "", ("step", "phase"))
    step = a_whole(given.get("step"), "step", 0, FAR)
    return Seek(step, a_whole(given.get("phase", 0), "phase", 0, MOST_PHASE))


def _play(given: dict[str, Any]) -> Play:
    an_object(given, "", ("unit", "per_second"))
    wanted = "a number from 0 (as fast as it computes) to 1,000"
    per_second = a_number(given.get("per_second", 1), "per_second", wanted)
    if per_second and not SLOWEST <= per_second <= FASTEST:
        raise refused("per_second", per_second, wanted)
    return Play(a_name(given.get("unit", "step"), "unit", UNITS), per_second)


def _show(given: dict[str, Any]) -> Show:
    an_object(given, "", ("example",))
    return Show(a_whole(given.get("example"), "example", 0, FAR))


def _bare(made: Callable[[], Command]) -> Callable[[dict[str, Any]], Command]:
    def read(given: dict[str, Any]) -> Command:
        an_object(given, "", ())
        return made()

    return read


READERS: dict[str, Callable[[dict[str, Any]], Command]] = {
    "step": _step,
    "seek": _seek,
    "change": Change,
    "undo": _bare(Undo),
    "show": _show,
    "play": _play,
    "pause": _bare(Pause),
    "cancel": _bare(Cancel),
}
OVER_HTTP = ("step", "seek", "change", "undo")


def read_command(given: Any, known: tuple[str, ...] = tuple(READERS)) -> tuple[str | None, Command]:
    """Return (id, command) of a decoded message, or raise Refused naming what is wrong."""
    if not isinstance(given, dict):
        raise refused("command", given, "an object like {'do': 'step'}")
    identity = given.get("id")
    if identity is not None:
        a_text(identity, "id", MOST_ID)
        if not identity:  # who has no id sends the same one again, and would be answered as known
            raise refused("id", identity, f"a text of 1 to {MOST_ID} characters, or none at all")
    do = a_name(given.get("do"), "do", known)
    return identity, READERS[do]({k: v for k, v in given.items() if k not in ("do", "id")})
