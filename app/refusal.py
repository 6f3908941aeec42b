"""The one error for what a caller asked and cannot have: every refusal names field and value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

_LONGEST = 120  # characters of a value that are told


def short(text: str, longest: int = _LONGEST) -> str:
    """Return the beginning of `text`, since it is sent back to whoever wrote it."""
    return _whole(text if len(text) <= longest else text[: longest - 1] + "…")


def _whole(text: str) -> str:
    """Halves of characters, which JSON can spell and many readers refuse, become question marks."""
    return text.encode(errors="replace").decode()


def shown(value: Any) -> str:
    """Return the beginning of `value` as Python writes it: what came in may be huge, or very deep,
    and to write out megabytes stops everybody for as long.
    """
    found = ""
    for piece in _pieces(value):
        found += piece
        if len(found) > _LONGEST:
            break
    return short(found)


def _pieces(value: Any) -> Iterator[str]:
    """Yield what `repr` returns, bit by bit: no more is made than is asked for."""
    if isinstance(value, str):
        yield repr(value[: _LONGEST + 1])
    elif isinstance(value, list):
        yield "["
        for k, item in enumerate(value):
            yield ", " if k else ""
            yield from _pieces(item)
        yield "]"
    elif isinstance(value, dict):
        yield "{"
        for k, (key, item) in enumerate(value.items()):
            yield ", " if k else ""
            yield from _pieces(key)
            yield ": "
            yield from _pieces(item)
        yield "}"
    else:
        yield repr(value)


def as_json(value: Any) -> Any:
    """Return `value` if JSON can carry it as one small item, else its text (NaN, lists)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)[:_LONGEST]
    return _whole(value[:_LONGEST]) if isinstance(value, str) else shown(value)


class Refused(ValueError):
    """A request that cannot be granted.

    `code` is a stable lower-snake-case word, `field` the path of the offending item as the caller
    wrote it ("layers[0].units"), `value` what came, `expected` what would have been accepted.
    `retry_after` is set where waiting helps: whole seconds.
    """

    retry_after: int | None = None

    def __init__(self, code: str, field: str | None, value: Any, expected: str) -> None:
        self.code, self.field, self.value, self.expected = code, field, value, expected
        named = f"{field}: " if field else ""
        got = "" if value is None else f", got {shown(value)}"
        super().__init__(f"{named}expected {expected}{got}")
