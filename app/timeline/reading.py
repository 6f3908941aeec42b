"""Reads one value out of JSON, or refuses it by its path: the words a spec is made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from app.limits import over
from app.refusal import Refused, short

Object = Mapping[str, Any]


def refused(field: str, value: Any, expected: str, code: str = "invalid") -> Refused:
    return Refused(code, field, value, expected)


def an_object(value: Any, field: str, known: Iterable[str]) -> dict[str, Any]:
    """Return `value` if it is an object with no keys but `known` ones."""
    if not isinstance(value, dict):
        raise refused(field, value, "an object")
    known = list(known)
    for key in value:
        if key not in known:
            path = f"{field}.{short(key)}" if field else short(key)
            raise refused(
                path, value[key], f"no such key; known are {', '.join(known)}", "unknown_key"
            )
    return value


def a_list(
    value: Any, field: str, most: int, least: int = 1, limit: str | None = None
) -> list[Any]:
    """Return a list of `least` to `most` items; `limit` names the setting that says `most`."""
    if not isinstance(value, list):
        raise refused(field, value, "a list")
    if not least <= len(value) <= most:
        found, allowed = f"{len(value)} items", f"{least:,} to {most:,} items"
        if limit:
            raise over(limit, allowed, field, found, "wrong_size")
        raise refused(field, found, allowed, "wrong_size")
    return value


def a_name(value: Any, field: str, known: Iterable[str]) -> str:
    known = list(known)
    if not isinstance(value, str) or value not in known:
        raise refused(field, value, f"one of {', '.join(known)}", "unknown_name")
    return value


def a_text(value: Any, field: str, most: int) -> str:
    """Return a text that can be stored and sent: JSON can spell halves of a character alone."""
    if not isinstance(value, str) or len(value) > most:
        raise refused(field, value, f"a text of at most {most} characters")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise refused(field, value, "a text of whole characters, no lone surrogate")
    return value


def a_bool(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise refused(field, value, "true or false")
    return value


def a_whole(value: Any, field: str, least: int, most: int, limit: str | None = None) -> int:
    """Return a whole number from `least` to `most`; `limit` names the setting that says `most`."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        allowed = f"a whole number from {least:,} to {most:,}"
        if limit:
            raise over(limit, allowed, field, value, "invalid")
        raise refused(field, value, allowed)
    return int(value)


def a_number(value: Any, field: str, wanted: str = "a finite number") -> float:
    """Return a finite float; a bool, a text, NaN and what overflows a float are refused."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(field, value, wanted)
    try:
        number = float(value)
    except OverflowError:
        raise refused(field, value, wanted) from None
    if not math.isfinite(number):
        raise refused(field, value, wanted, "not_finite")
    return number


def a_learning_rate(value: Any, field: str) -> float:
    """Return a learning rate: above 0, since at 0 nothing would ever be learned."""
    wanted = "a finite number above 0"
    number = a_number(value, field, wanted)
    if number <= 0:
        raise refused(field, value, wanted)
    return number


def a_vector(value: Any, field: str, length: int) -> list[float]:
    items = a_list(value, field, most=max(length, 1_000_000), least=0)
    if len(items) != length:
        raise refused(field, f"{len(items)} numbers", f"{length} numbers", "wrong_shape")
    return [a_number(item, f"{field}[{k}]") for k, item in enumerate(items)]


def a_matrix(value: Any, field: str, rows: int, columns: int) -> list[list[float]]:
    """Return `rows` lists of `columns` numbers, [from][to]."""
    items = a_list(value, field, most=max(rows, 1_000_000), least=0)
    if len(items) != rows:
        raise refused(
            field, f"{len(items)} rows", f"{rows} rows of {columns} numbers", "wrong_shape"
        )
    return [a_vector(item, f"{field}[{k}]", columns) for k, item in enumerate(items)]
