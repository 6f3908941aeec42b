"""JSON read and written in many short calls: Python's own, in C, hold the interpreter until they
are done, so megabytes in one call stop everybody for as long. It belongs in a thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import JSONArray, JSONDecoder  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from app.refusal import Refused

SMALL = 65_536  # characters that one call may take: less than a millisecond
_NESTED = re.compile(r'[\[{"]')


def written(value: Any) -> str:
    """Return `value` as strict JSON, NaN and infinity refused; lists of lists row by row."""
    return "".join(_pieces(value))


def read_json(text: str | bytes, field: str) -> Any:
    """Return the value that `text` carries; Refused where it is not JSON."""
    try:
        return json.loads(text) if len(text) <= SMALL else _in_pieces(text)
    except (ValueError, RecursionError) as error:
        shown = text[:80].decode(errors="replace") if isinstance(text, bytes) else text[:80]
        raise Refused("not_json", field, shown, f"JSON ({error})") from None


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        marks = [f"{',' if k else '{'}{json.dumps(str(key))}:" for k, key in enumerate(value)]
        items, ends = list(value.values()), "}" if marks else "{}"
    elif isinstance(value, list) and value and isinstance(value[0], list | dict):
        marks, items, ends = ["[", *[","] * (len(value) - 1)], value, "]"
    else:
        yield json.dumps(value, allow_nan=False, separators=(",", ":"))
        return
    for mark, item in zip(marks, items, strict=True):
        yield mark
        yield from _pieces(item)
    yield ends


def _in_pieces(text: str | bytes) -> Any:
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if text.startswith("\ufeff"):
        raise ValueError("unexpected UTF-8 BOM (decode using utf-8-sig)")
    return _DECODER.decode(text)


def _decoder() -> Any:
    """Return a decoder in Python that leaves only short lists of numbers and names to C."""
    decoder: Any = JSONDecoder()
    in_c = decoder.scan_once

    def parse_array(state: tuple[str, int], scan_once: Any) -> tuple[list[Any], int]:
        text, start = state
        end = text.find("]", start, start + SMALL)
        if end >= 0 and not _NESTED.search(text, start, end):
            found: tuple[list[Any], int] = in_c(text, start - 1)
            return found
        in_python: tuple[list[Any], int] = JSONArray(state, scan_once)
        return in_python

    decoder.parse_array = parse_array
    decoder.scan_once = py_make_scanner(decoder)
    return decoder


_DECODER = _decoder()
